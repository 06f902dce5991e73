# Built with Maven, run on a bare Java runtime by a user that owns nothing.
FROM maven:3.9-eclipse-temurin-25 AS build
WORKDIR /app
COPY pom.xml .
RUN mvn -B -ntp -q dependency:go-offline
COPY src src
RUN mvn -B -ntp -q package -Dmaven.test.skip=true

FROM eclipse-temurin:25-jre
WORKDIR /app
COPY --from=build /app/target/luki-gateway.jar target/luki-gateway.jar
COPY --from=build /app/target/lib target/lib
COPY config config
# With this image's own JVM, and only for this jar: the cache contains its classes.
RUN java -XX:+UseCompactObjectHeaders -XX:AOTCacheOutput=target/luki-gateway.aot -jar target/luki-gateway.jar warm-up \
    && printf '%s\n' -XX:AOTCache=target/luki-gateway.aot -Xlog:aot=off >> config/jvm.options
USER 10001:10001
EXPOSE 8081
CMD ["java", "@config/jvm.options", "-jar", "target/luki-gateway.jar"]
