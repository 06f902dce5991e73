package luki.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import luki.gateway.v1.ChatEvent;
import luki.memory.v1.BatchSearchReply;
import luki.memory.v1.BatchSearchRequest;
import luki.memory.v1.IngestRequest;
import luki.memory.v1.Subject;
import org.junit.jupiter.api.Test;

/** The owner in the bytes of a message, against the parser of the library. */
class OwnerReaderTest {
  private static final OwnerReader FLAT =
      new OwnerReader(OwnerPath.of(IngestRequest.getDescriptor(), "user_id"));
  private static final OwnerReader NESTED =
      new OwnerReader(OwnerPath.of(BatchSearchRequest.getDescriptor(), "subject.user_id"));

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  private static byte[] subject(String user) {
    return BatchSearchRequest.newBuilder()
        .setSubject(Subject.newBuilder().setUserId(user))
        .build()
        .toByteArray();
  }

  private static byte[] flat(String user) {
    return IngestRequest.newBuilder().setUserId(user).build().toByteArray();
  }

  private static String ruleOf(OwnerReader reader, byte[] message) {
    return assertThrows(OwnerReader.Malformed.class, () -> reader.read(message)).rule();
  }

  @Test
  void readsTheFieldWhereverItStands() throws Exception {
    IngestRequest request =
        IngestRequest.newBuilder()
            .setUserId("maria_k")
            .setText("hiking")
            .addTags("hobby")
            .putMetadata("a", "b")
            .build();
    assertEquals("maria_k", FLAT.read(request.toByteArray()));
    byte[] textFirst = IngestRequest.newBuilder().setText("hiking").build().toByteArray();
    assertEquals("maria_k", FLAT.read(join(textFirst, flat("maria_k"))));
    assertEquals("maria_k", NESTED.read(subject("maria_k")));
  }

  @Test
  void aMessageWithoutTheFieldNamesNoUser() throws Exception {
    assertNull(FLAT.read(new byte[0]));
    assertNull(NESTED.read(BatchSearchRequest.getDefaultInstance().toByteArray()));
    assertNull(
        NESTED.read(
            BatchSearchRequest.newBuilder()
                .setSubject(Subject.newBuilder().setTenant("t"))
                .build()
                .toByteArray()));
  }

  @Test
  void allOccurrencesMustAgree() throws Exception {
    assertEquals("maria_k", FLAT.read(join(flat("maria_k"), flat("maria_k"))));
    assertEquals("differs", ruleOf(FLAT, join(flat("maria_k"), flat("anna"))));
    // The library would take the last.
    assertEquals("differs", ruleOf(FLAT, join(flat("anna"), flat("maria_k"))));
    assertEquals("differs", ruleOf(FLAT, join(bytes(0x0a, 0), flat("maria_k"))));
  }

  @Test
  void mergedMessagesMustAgree() throws Exception {
    byte[] tenant =
        BatchSearchRequest.newBuilder()
            .setSubject(Subject.newBuilder().setTenant("t"))
            .build()
            .toByteArray();
    assertEquals("maria_k", NESTED.read(join(subject("maria_k"), tenant)));
    assertEquals("differs", ruleOf(NESTED, join(subject("maria_k"), subject("anna"))));
  }

  @Test
  void whatParsersReadDifferentlyIsRefused() {
    // A tag of field 1 with bits beyond 32, which some parsers cut off.
    assertEquals(
        "varint",
        ruleOf(FLAT, bytes(0x8a, 0x80, 0x80, 0x80, 0x80, 0x01, 0x04, 'a', 'n', 'n', 'a')));
    // A length with such bits.
    assertEquals("varint", ruleOf(FLAT, bytes(0x0a, 0x81, 0x80, 0x80, 0x80, 0x10, 'a')));
    assertEquals("varint", ruleOf(FLAT, bytes(0x0a, 0x81, 0x80, 0x80, 0x80, 0x80, 0x01, 'a')));
    // The field in another wire type is unknown to parsers.
    assertEquals("type", ruleOf(FLAT, bytes(0x08, 0x01)));
    assertEquals("type", ruleOf(FLAT, bytes(0x0b, 0x0c)));
    assertEquals("type", ruleOf(NESTED, bytes(0x0b, 0x0a, 0x01, 'a', 0x0c)));
  }

  @Test
  void groupsAreSkippedAndMustBeClosed() throws Exception {
    // Field 5 as a group that has a field 1 inside.
    byte[] group = bytes(0x2b, 0x0a, 0x04, 'a', 'n', 'n', 'a', 0x2c);
    assertEquals("maria_k", FLAT.read(join(group, flat("maria_k"))));
    assertEquals("group", ruleOf(FLAT, bytes(0x2b, 0x34)));
    assertEquals("group", ruleOf(FLAT, bytes(0x2c)));
    assertEquals("length", ruleOf(FLAT, bytes(0x2b)));
    byte[] deep = new byte[10_000];
    Arrays.fill(deep, (byte) 0x2b);
    assertEquals("depth", ruleOf(FLAT, deep));
  }

  @Test
  void truncatedBytesAreRefused() {
    byte[] whole = flat("maria_k");
    for (int length = 1; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThrows(OwnerReader.Malformed.class, () -> FLAT.read(cut), "cut at " + length);
    }
    assertEquals("length", ruleOf(FLAT, bytes(0x10)));
    assertEquals("varint", ruleOf(FLAT, bytes(0x10, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1)));
    assertEquals("tag", ruleOf(FLAT, bytes(0x00)));
    assertEquals("tag", ruleOf(FLAT, bytes(0x17)));
  }

  @Test
  void aUserIsValidUtf8() {
    assertEquals("utf8", ruleOf(FLAT, bytes(0x0a, 2, 0xc3, 0x28)));
    assertEquals("utf8", ruleOf(FLAT, bytes(0x0a, 3, 0xed, 0xa0, 0x80)));
  }

  @Test
  void anAmbiguousPathIsRefused() {
    for (String path : List.of("tags", "metadata", "text.user_id", "nothing", "", "user_id.")) {
      assertThrows(
          IllegalArgumentException.class, () -> OwnerPath.of(IngestRequest.getDescriptor(), path));
    }
    // In a oneof, and within a list.
    assertThrows(
        IllegalArgumentException.class, () -> OwnerPath.of(ChatEvent.getDescriptor(), "token"));
    assertThrows(
        IllegalArgumentException.class,
        () -> OwnerPath.of(BatchSearchReply.getDescriptor(), "replies.items"));
    assertThrows(
        IllegalArgumentException.class,
        () -> OwnerPath.of(BatchSearchRequest.getDescriptor(), "subject"));
  }

  @Test
  void fuzzedBytesNeverCrashItAndNeverGiveAnotherUserThanTheParser() {
    Random random = new Random(20_261_126);
    byte[][] seeds = {
      flat("maria_k"),
      subject("maria_k"),
      join(subject("anna"), subject("anna")),
      join(flat("maria_k"), bytes(0x2b, 0x0a, 0x01, 'a', 0x2c)),
      IngestRequest.newBuilder().setUserId("zoë").setText("x").addTags("y").build().toByteArray(),
      BatchSearchRequest.newBuilder()
          .setSubject(Subject.newBuilder().setUserId("u").setTenant("t"))
          .addQueries(BatchSearchRequest.Query.newBuilder().setText("q").setLimit(3))
          .build()
          .toByteArray()
    };
    int[] named = new int[2];
    int refused = 0;
    for (int i = 0; i < 200_000; i++) {
      byte[] message = mutated(seeds[random.nextInt(seeds.length)], random);
      for (OwnerReader reader : List.of(FLAT, NESTED)) {
        try {
          String user = reader.read(message);
          String parsed = reader == FLAT ? parsedFlat(message) : parsedNested(message);
          // Null: the parser refuses the message, as the service would.
          assertTrue(parsed == null || parsed.equals(user == null ? "" : user), "input " + i);
          named[reader == FLAT ? 0 : 1] += user == null ? 0 : 1;
        } catch (OwnerReader.Malformed malformed) {
          refused++;
        }
      }
    }
    assertTrue(named[0] > 10_000 && named[1] > 10_000 && refused > 10_000);
  }

  private static byte[] mutated(byte[] seed, Random random) {
    byte[] message = seed.clone();
    for (int change = random.nextInt(4); change >= 0; change--) {
      int at = random.nextInt(message.length + 1);
      message =
          switch (random.nextInt(6)) {
            case 0 -> Arrays.copyOf(message, at);
            case 1 ->
                join(Arrays.copyOf(message, at), bytes(random.nextInt(256)), tail(message, at));
            case 2 -> join(tail(message, at), Arrays.copyOf(message, at));
            case 3 -> join(message, seed);
            case 4 -> {
              byte[] noise = new byte[random.nextInt(12)];
              random.nextBytes(noise);
              yield join(Arrays.copyOf(message, at), noise, tail(message, at));
            }
            default -> {
              if (at < message.length) {
                message[at] = (byte) random.nextInt(256);
              }
              yield message;
            }
          };
    }
    return message;
  }

  private static byte[] tail(byte[] message, int from) {
    return Arrays.copyOfRange(message, from, message.length);
  }

  private static String parsedFlat(byte[] message) {
    try {
      return IngestRequest.parseFrom(ByteString.copyFrom(message)).getUserId();
    } catch (InvalidProtocolBufferException invalid) {
      return null;
    }
  }

  private static String parsedNested(byte[] message) {
    try {
      return BatchSearchRequest.parseFrom(ByteString.copyFrom(message)).getSubject().getUserId();
    } catch (InvalidProtocolBufferException invalid) {
      return null;
    }
  }
}
