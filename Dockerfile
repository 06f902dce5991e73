# The gateway on a Java runtime of its own, without a shell, as a user that owns no file. src/dev/image.sh executes the
# RUN steps without a container engine, so they use relative paths only.
#
# A release has these with their digest: .github/workflows/base-images.yml proposes each update as a change of one line.
ARG BUILD_IMAGE=maven:3.9-eclipse-temurin-25
# scratch: everything in the image comes from the build stage. A distroless image with glibc works as well.
ARG RUNTIME_IMAGE=scratch

FROM ${BUILD_IMAGE} AS build
WORKDIR /app
COPY pom.xml ./
COPY src src
ENV MAVEN_ARGS=-Dmaven.repo.local=/app/.m2
RUN mvn -B -ntp -q -Psbom package -Dmaven.test.skip=true
# The modules that the jars use (a test compares them with jdeps).
RUN jlink --output root/opt/java --strip-java-debug-attributes --no-header-files --no-man-pages --compress zip-6 \
        --add-modules java.net.http,java.sql,jdk.httpserver,jdk.management,jdk.unsupported
# The C library that this Java needs, and names for the user's number.
RUN mkdir -p root/app/target root/etc \
    && ldd root/opt/java/bin/java root/opt/java/lib/*.so root/opt/java/lib/server/libjvm.so \
        | awk '$3 ~ /^\// && $3 !~ /\/opt\/java\// { print $3 } $1 ~ /^\/.*ld-/ { print $1 }' | sort -u \
        | while read -r library; do mkdir -p "root${library%/*}" && cp -L "$library" "root$library"; done \
    && echo 'luki:x:10001:10001::/app:' > root/etc/passwd \
    && echo 'luki:x:10001:' > root/etc/group
COPY config/gateway.yaml config/openapi.yaml config/jvm.options root/app/config/
RUN cp -p target/luki-gateway.jar target/bom.json root/app/target/ && cp -pR target/lib root/app/target/lib
# With this image's own JVM, and only for this jar: the cache contains its classes.
RUN cd root/app \
    && ../opt/java/bin/java -XX:+UseCompactObjectHeaders -XX:AOTCacheOutput=target/luki-gateway.aot -Xlog:aot=off \
        -jar target/luki-gateway.jar warm-up \
    && printf '%s\n' -XX:AOTCache=target/luki-gateway.aot -Xlog:aot=off >> config/jvm.options \
    && chmod -R a+rX,go-w ..

# What `docker build --target stand-ins .` makes: the services of development, for Compose.
FROM ${BUILD_IMAGE} AS stand-ins
WORKDIR /app
COPY --from=build /app/root/app/ ./
COPY src/test/java/luki/gateway/standin source/luki/gateway/standin
RUN javac -nowarn -d classes -sourcepath source -cp 'target/luki-gateway.jar:target/lib/*' \
        source/luki/gateway/standin/StandInsServer.java
USER 10001:10001
EXPOSE 9000-9006
CMD ["java", "-cp", "classes:target/luki-gateway.jar:target/lib/*", "luki.gateway.standin.StandInsServer", "0.0.0.0"]

FROM ${RUNTIME_IMAGE}
COPY --from=build /app/root/ /
WORKDIR /app
ENV PATH=/opt/java/bin
USER 10001:10001
EXPOSE 8081
STOPSIGNAL SIGTERM
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="LUKi API gateway" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      luki.sbom="/app/target/bom.json"
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx32m", "-jar", "target/luki-gateway.jar", "health"]
CMD ["java", "@config/jvm.options", "-jar", "target/luki-gateway.jar"]
