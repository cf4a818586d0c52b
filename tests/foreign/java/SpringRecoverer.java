import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.listener.DeadLetterPublishingRecoverer;
import org.springframework.kafka.listener.ListenerExecutionFailedException;

/** A listener that fails on values with "bad" in them; Spring Kafka's own recoverer writes their letters. */
public class SpringRecoverer {
    public static void main(String[] args) {
        Map<String, Object> producer = Map.of("bootstrap.servers", args[0]);
        KafkaTemplate<byte[], byte[]> template = new KafkaTemplate<>(new DefaultKafkaProducerFactory<>(
                producer, new ByteArraySerializer(), new ByteArraySerializer()));
        DeadLetterPublishingRecoverer recoverer = new DeadLetterPublishingRecoverer(template,
                (record, exception) -> new TopicPartition(args[3], record.partition()));
        Map<String, Object> consumer = Map.of(
                "bootstrap.servers", args[0], "group.id", args[1], "auto.offset.reset", "earliest");
        try (KafkaConsumer<byte[], byte[]> reader =
                new KafkaConsumer<>(consumer, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            reader.subscribe(List.of(args[2]));
            while (true) {
                for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(200))) {
                    if (new String(record.value()).contains("bad")) {
                        recoverer.accept(record, reader, new ListenerExecutionFailedException(
                                "Listener failed", args[1], new IllegalStateException("a price without a currency")));
                    }
                }
                reader.commitSync();
            }
        }
    }
}
