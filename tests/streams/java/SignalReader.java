// Reads topics of signals with Kafka's own client and Apicurio's serdes, and prints JSON lines.
//
//     java SignalReader <brokers> <registry> <topic>...
//
// Reads what is committed, from the beginning to the end that it finds, and then ends. A line is
// {"topic", "partition", "offset", "key", "headers", "record"}; `record` is in Avro's JSON encoding
// under the schema that it was written with, null where the item was deleted. What cannot be read
// has an `error` in its place.

import com.fasterxml.jackson.databind.ObjectMapper;
import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.io.JsonEncoder;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

public final class SignalReader {
    private static final ObjectMapper JSON = new ObjectMapper();

    private SignalReader() {
    }

    public static void main(String[] arguments) throws IOException {
        List<String> topics = List.of(arguments).subList(2, arguments.length);
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        try (var consumer = consumer(arguments[0]); var avro = avro(arguments[1])) {
            List<TopicPartition> left = partitions(consumer, topics);
            Map<TopicPartition, Long> ends = consumer.endOffsets(left);
            consumer.assign(left);
            consumer.seekToBeginning(left);
            while (!left.isEmpty()) {
                for (var record : consumer.poll(Duration.ofMillis(200))) {
                    out.println(line(record, avro));
                }
                // a position passes the markers of transactions, at which no record lies
                left.removeIf(partition -> consumer.position(partition) >= ends.get(partition));
            }
        }
        out.flush();
    }

    private static KafkaConsumer<String, byte[]> consumer(String brokers) {
        Map<String, Object> config = Map.of(
            "bootstrap.servers", brokers,
            "isolation.level", "read_committed",
            "enable.auto.commit", false);
        return new KafkaConsumer<>(config, new StringDeserializer(), new ByteArrayDeserializer());
    }

    private static AvroKafkaDeserializer<GenericRecord> avro(String registry) {
        var avro = new AvroKafkaDeserializer<GenericRecord>();
        avro.configure(Map.of("apicurio.registry.url", registry), false);
        return avro;
    }

    private static List<TopicPartition> partitions(
            KafkaConsumer<String, byte[]> consumer, List<String> topics) {
        List<TopicPartition> found = new ArrayList<>();
        for (String topic : topics) {
            for (PartitionInfo each : consumer.partitionsFor(topic)) {
                found.add(new TopicPartition(topic, each.partition()));
            }
        }
        return found;
    }

    private static String line(
            ConsumerRecord<String, byte[]> record, AvroKafkaDeserializer<GenericRecord> avro)
            throws IOException {
        Map<String, String> headers = new LinkedHashMap<>();
        for (Header header : record.headers()) {
            headers.put(header.key(), new String(header.value(), StandardCharsets.UTF_8));
        }
        return String.format(
            "{\"topic\": %s, \"partition\": %d, \"offset\": %d, \"key\": %s, \"headers\": %s, %s}",
            JSON.writeValueAsString(record.topic()), record.partition(), record.offset(),
            JSON.writeValueAsString(record.key()), JSON.writeValueAsString(headers),
            content(record, avro));
    }

    private static String content(
            ConsumerRecord<String, byte[]> record, AvroKafkaDeserializer<GenericRecord> avro)
            throws IOException {
        if (record.value() == null) {
            return "\"record\": null";
        }
        try {
            return "\"record\": " + json(avro.deserialize(record.topic(), record.value()));
        } catch (RuntimeException error) {
            return "\"error\": " + JSON.writeValueAsString(String.valueOf(error.getMessage()));
        }
    }

    private static String json(GenericRecord record) throws IOException {
        var bytes = new ByteArrayOutputStream();
        JsonEncoder encoder = EncoderFactory.get().jsonEncoder(record.getSchema(), bytes);
        new GenericDatumWriter<GenericRecord>(record.getSchema()).write(record, encoder);
        encoder.flush();
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
