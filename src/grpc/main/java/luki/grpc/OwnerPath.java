package luki.grpc;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a request names its user: the numbers of the fields on the way to a string. The way must
 * not be ambiguous: no field on it is repeated, in a oneof or a group, since then a message could
 * name a user whom the service does not act for.
 */
record OwnerPath(List<Integer> numbers) {
  OwnerPath {
    numbers = List.copyOf(numbers);
  }

  /**
   * Compiles a path such as {@code subject.user_id}.
   *
   * @throws IllegalArgumentException what is wrong with it
   */
  static OwnerPath of(Descriptor request, String path) {
    List<Integer> numbers = new ArrayList<>();
    Descriptor within = request;
    String[] names = path.split("\\.", -1);
    for (int i = 0; i < names.length; i++) {
      FieldDescriptor field = within.findFieldByName(names[i]);
      if (field == null) {
        throw new IllegalArgumentException(
            within.getFullName() + " has no field " + (i + 1) + " of the path");
      }
      refuseAmbiguous(field);
      numbers.add(field.getNumber());
      boolean last = i == names.length - 1;
      if (last && field.getType() != FieldDescriptor.Type.STRING) {
        throw new IllegalArgumentException(field.getFullName() + " is not a string");
      }
      if (!last && field.getType() != FieldDescriptor.Type.MESSAGE) {
        throw new IllegalArgumentException(field.getFullName() + " is not a message");
      }
      if (!last) {
        within = field.getMessageType();
      }
    }
    return new OwnerPath(numbers);
  }

  private static void refuseAmbiguous(FieldDescriptor field) {
    if (field.isRepeated()) {
      throw new IllegalArgumentException(field.getFullName() + " is repeated");
    }
    // The oneof of an optional field of proto3 has no other member.
    if (field.getRealContainingOneof() != null) {
      throw new IllegalArgumentException(field.getFullName() + " is in a oneof");
    }
  }
}
