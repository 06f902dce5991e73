package luki.grpc;

import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The services that a descriptor set describes, by their full names. */
final class DescriptorSet {
  private static final String BUILT = "descriptors.binpb";

  private final Map<String, FileDescriptorProto> declared = new HashMap<>();
  private final Map<String, FileDescriptor> files = new HashMap<>();
  private final Set<String> linking = new HashSet<>();
  private final Map<String, ServiceDescriptor> services = new HashMap<>();

  private DescriptorSet() {}

  /** Those of {@code config/}, which the build has compiled. */
  static DescriptorSet built() throws IOException {
    try (InputStream in = DescriptorSet.class.getResourceAsStream(BUILT)) {
      if (in == null) {
        throw new IOException(BUILT + " is missing in the jar");
      }
      return read(in);
    }
  }

  /**
   * Reads a descriptor set, with all that its files import.
   *
   * @throws IOException it is not one, or an import is missing
   */
  static DescriptorSet read(InputStream set) throws IOException {
    DescriptorSet all = new DescriptorSet();
    for (FileDescriptorProto file : FileDescriptorSet.parseFrom(set).getFileList()) {
      all.declared.put(file.getName(), file);
    }
    for (String name : all.declared.keySet()) {
      FileDescriptor file = all.link(name);
      file.getServices().forEach(service -> all.services.put(service.getFullName(), service));
    }
    return all;
  }

  private FileDescriptor link(String name) throws IOException {
    FileDescriptor known = files.get(name);
    if (known != null) {
      return known;
    }
    FileDescriptorProto file = declared.get(name);
    if (file == null || !linking.add(name)) {
      throw new IOException("an import is missing or circular: " + name);
    }
    List<FileDescriptor> imports = new ArrayList<>();
    for (String each : file.getDependencyList()) {
      imports.add(link(each));
    }
    try {
      FileDescriptor linked =
          FileDescriptor.buildFrom(file, imports.toArray(FileDescriptor[]::new), true);
      files.put(name, linked);
      return linked;
    } catch (DescriptorValidationException invalid) {
      throw new IOException("not valid: " + name, invalid);
    }
  }

  /** A method such as {@code luki.memory.v1.Memory/Search}, or null. */
  @Nullable MethodDescriptor method(String name) {
    int slash = name.indexOf('/');
    ServiceDescriptor service = slash < 0 ? null : services.get(name.substring(0, slash));
    return service == null ? null : service.findMethodByName(name.substring(slash + 1));
  }
}
