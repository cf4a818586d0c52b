/* The bare transfer in C on librdkafka: the floor under every client that is built on it.
 *
 *   native_transfer SOURCE TARGET READ_MAX RECORDS_MAX COMMIT_INTERVAL_MS consumer key=value … producer key=value …
 *
 * The same loop as bare_transfer.py: read a batch, produce each record with one header into the partition of the same
 * number, send the offsets, commit. Runs until it is ended. The few declarations below stand in for librdkafka's header,
 * which the Python wheel does not carry; they follow its stable ABI (v2).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

typedef struct conf conf_t;
typedef struct client client_t;
typedef struct queue queue_t;
typedef struct group_metadata group_metadata_t;
typedef struct failure failure_t;
typedef struct topic topic_t;
typedef struct { int count; } partitions_t;
typedef struct {
    int err;
    topic_t *topic;
    int32_t partition;
    void *payload;
    size_t len;
    void *key;
    size_t key_len;
    int64_t offset;
    void *opaque;
} message_t;

enum { PRODUCER, CONSUMER };
enum { V_END, V_TOPIC, V_RKT, V_PARTITION, V_VALUE, V_KEY, V_OPAQUE, V_MSGFLAGS, V_TIMESTAMP, V_HEADER };
enum { COPY = 2, QUEUE_FULL = -184, PARTITION_EOF = -191, ERROR_BYTES = 512, TIMEOUT_MS = 30000, IDLE_READ_MS = 200 };

conf_t *rd_kafka_conf_new(void);
int rd_kafka_conf_set(conf_t *, const char *, const char *, char *, size_t);
void rd_kafka_conf_set_dr_msg_cb(conf_t *, void (*)(client_t *, const message_t *, void *));
client_t *rd_kafka_new(int, conf_t *, char *, size_t);
int rd_kafka_poll_set_consumer(client_t *);
partitions_t *rd_kafka_topic_partition_list_new(int);
void *rd_kafka_topic_partition_list_add(partitions_t *, const char *, int32_t);
int rd_kafka_topic_partition_list_set_offset(partitions_t *, const char *, int32_t, int64_t);
void rd_kafka_topic_partition_list_destroy(partitions_t *);
int rd_kafka_subscribe(client_t *, const partitions_t *);
queue_t *rd_kafka_queue_get_consumer(client_t *);
ssize_t rd_kafka_consume_batch_queue(queue_t *, int, message_t **, size_t);
void rd_kafka_message_destroy(message_t *);
int64_t rd_kafka_message_timestamp(const message_t *, int *);
const char *rd_kafka_err2str(int);
int rd_kafka_poll(client_t *, int);
int rd_kafka_producev(client_t *, ...);
group_metadata_t *rd_kafka_consumer_group_metadata(client_t *);
void rd_kafka_consumer_group_metadata_destroy(group_metadata_t *);
failure_t *rd_kafka_init_transactions(client_t *, int);
failure_t *rd_kafka_begin_transaction(client_t *);
failure_t *rd_kafka_send_offsets_to_transaction(client_t *, const partitions_t *, const group_metadata_t *, int);
failure_t *rd_kafka_commit_transaction(client_t *, int);
const char *rd_kafka_error_string(const failure_t *);

static void stop(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void check(const char *what, const failure_t *failure) {
    if (failure) stop(what, rd_kafka_error_string(failure));
}

static void on_delivery(client_t *client, const message_t *message, void *opaque) {
    (void)client, (void)opaque;
    if (message->err) stop("delivery", rd_kafka_err2str(message->err));
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static conf_t *configure(char **words, int count) {
    char error[ERROR_BYTES];
    conf_t *conf = rd_kafka_conf_new();
    for (int i = 0; i < count; i++) {
        char *value = strchr(words[i], '=');
        *value++ = 0;
        if (rd_kafka_conf_set(conf, words[i], value, error, sizeof error)) stop(words[i], error);
    }
    return conf;
}

static client_t *open_client(int type, conf_t *conf) {
    char error[ERROR_BYTES];
    client_t *client = rd_kafka_new(type, conf, error, sizeof error);
    if (!client) stop("open", error);
    return client;
}

static void forward(client_t *producer, const char *target, const message_t *message) {
    char header[160];
    int type;
    int64_t timestamp = rd_kafka_message_timestamp(message, &type);
    ssize_t size = snprintf(header, sizeof header, "1 AAAAAAAAAAAAAAAAAAAAAA BBBBBBBBBBBBBBBBBBBBBB %d %lld 0 0 1",
                            message->partition, (long long)message->offset);
    int err;
    while ((err = rd_kafka_producev(producer, V_TOPIC, target, V_PARTITION, message->partition, V_MSGFLAGS, COPY,
                                    V_VALUE, message->payload, message->len, V_KEY, message->key, message->key_len,
                                    V_TIMESTAMP, timestamp, V_HEADER, "__watermaster", header, size, V_END)) == QUEUE_FULL)
        rd_kafka_poll(producer, 50);
    if (err) stop("produce", rd_kafka_err2str(err));
}

static void commit(client_t *producer, client_t *consumer, const partitions_t *offsets) {
    group_metadata_t *group = rd_kafka_consumer_group_metadata(consumer);
    check("send_offsets", rd_kafka_send_offsets_to_transaction(producer, offsets, group, TIMEOUT_MS));
    check("commit", rd_kafka_commit_transaction(producer, TIMEOUT_MS));
    rd_kafka_consumer_group_metadata_destroy(group);
}

static void transfer(client_t *consumer, client_t *producer, const char *source, const char *target, int read_max,
                     int records_max, int interval_ms) {
    queue_t *queue = rd_kafka_queue_get_consumer(consumer);
    message_t **messages = calloc((size_t)read_max, sizeof *messages);
    partitions_t *offsets = NULL;
    int records = 0;
    int64_t began_ms = 0;
    for (;;) {
        int64_t left_ms = interval_ms - (now_ms() - began_ms);
        int patience_ms = offsets ? (int)(left_ms > 0 ? left_ms : 0) : IDLE_READ_MS;
        ssize_t count = rd_kafka_consume_batch_queue(queue, patience_ms, messages, (size_t)read_max);
        for (ssize_t i = 0; i < count; i++) {
            message_t *message = messages[i];
            if (message->err && message->err != PARTITION_EOF) stop("read", rd_kafka_err2str(message->err));
            if (!message->err) {
                if (!offsets) {
                    check("begin", rd_kafka_begin_transaction(producer));
                    offsets = rd_kafka_topic_partition_list_new(16);
                    records = 0, began_ms = now_ms();
                }
                forward(producer, target, message);
                if (rd_kafka_topic_partition_list_set_offset(offsets, source, message->partition, message->offset + 1)) {
                    rd_kafka_topic_partition_list_add(offsets, source, message->partition);
                    rd_kafka_topic_partition_list_set_offset(offsets, source, message->partition, message->offset + 1);
                }
                records++;
            }
            rd_kafka_message_destroy(message);
        }
        rd_kafka_poll(producer, 0);
        if (offsets && (records >= records_max || now_ms() - began_ms >= interval_ms)) {
            commit(producer, consumer, offsets);
            rd_kafka_topic_partition_list_destroy(offsets);
            offsets = NULL;
        }
    }
}

int main(int argc, char **argv) {
    int at = 7;
    if (argc < 8) stop("usage", "see the head of native_transfer.c");
    while (at < argc && strcmp(argv[at], "producer")) at++;
    conf_t *reading = configure(argv + 7, at - 7);
    conf_t *writing = configure(argv + at + 1, argc - at - 1);
    rd_kafka_conf_set_dr_msg_cb(writing, on_delivery);
    client_t *consumer = open_client(CONSUMER, reading);
    client_t *producer = open_client(PRODUCER, writing);
    rd_kafka_poll_set_consumer(consumer);
    check("init_transactions", rd_kafka_init_transactions(producer, TIMEOUT_MS));
    partitions_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, argv[1], -1);
    int err = rd_kafka_subscribe(consumer, topics);
    if (err) stop("subscribe", rd_kafka_err2str(err));
    transfer(consumer, producer, argv[1], argv[2], atoi(argv[3]), atoi(argv[4]), atoi(argv[5]));
}
