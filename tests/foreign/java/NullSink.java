import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;

/** A connector that takes every record: what fails is Connect's own converter before it. */
public class NullSink extends SinkConnector {
    public String version() { return "1"; }
    public void start(Map<String, String> settings) {}
    public Class<? extends Task> taskClass() { return NullTask.class; }
    public List<Map<String, String>> taskConfigs(int tasksMax) { return List.of(Map.of()); }
    public void stop() {}
    public ConfigDef config() { return new ConfigDef(); }

    public static class NullTask extends SinkTask {
        public String version() { return "1"; }
        public void start(Map<String, String> settings) {}
        public void put(Collection<SinkRecord> records) {}
        public void stop() {}
    }
}
