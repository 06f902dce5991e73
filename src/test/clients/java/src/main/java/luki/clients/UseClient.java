package luki.clients;

import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.ChatApi;
import org.openapitools.client.api.MemoriesApi;
import org.openapitools.client.api.UsersApi;
import org.openapitools.client.model.ChatReply;
import org.openapitools.client.model.ChatRequest;
import org.openapitools.client.model.ConsentChange;
import org.openapitools.client.model.ConsentGrant;
import org.openapitools.client.model.ConsentScope;
import org.openapitools.client.model.IngestRequest;
import org.openapitools.client.model.Item;
import org.openapitools.client.model.SearchReply;
import org.openapitools.client.model.SearchRequest;

/** A program that uses the generated client; it ends with 1 at the first reply that is wrong. */
public final class UseClient {
  private UseClient() {}

  /** With the address of the gateway and a key. */
  public static void main(String[] arguments) throws Exception {
    ApiClient client = new ApiClient();
    client.updateBaseUri(arguments[0]);
    client.setRequestInterceptor(
        request -> request.header("Authorization", "Bearer " + arguments[1]));
    ChatApi chat = new ChatApi(client);
    MemoriesApi memories = new MemoriesApi(client);

    ChatRequest hello = new ChatRequest().userId("maria_k").message("Hello");
    ChatReply answer = chat.chat(hello, null);
    check("a chat", answer.getText().contains("Hello"));

    String events = streamed(client, arguments[1], hello);
    check(
        "a stream",
        events.startsWith("id: 1\ndata: {\"token\":") && events.contains("\nevent: done\n"));

    IngestRequest choir =
        new IngestRequest().userId("maria_k").text("I sang in a choir").tags(Set.of("music"));
    String once = UUID.randomUUID().toString();
    Item kept = memories.ingestText(choir, once);
    check(
        "a repeated ingest", memories.ingestText(choir, once).getId().equals(kept.getId()));
    SearchReply found =
        memories.searchItems(new SearchRequest().userId("maria_k").query("sang choir"), null);
    check(
        "an ingest with a search",
        found.getItems().stream().anyMatch(item -> item.getId().equals(kept.getId())));

    ConsentGrant grant = new ConsentGrant().scope(ConsentScope.ELR_MEMORIES).purpose("chat");
    check(
        "a change of consent",
        new UsersApi(client)
            .changeConsent("maria_k", new ConsentChange().grants(List.of(grant)), null)
            .getValidScopes()
            .contains("elr_memories"));
    check("an error", statusOf(chat, new ChatRequest().userId("of_another").message("Hi")) == 403);
    System.out.println("6 passed, 0 failed");
  }

  /** The generated methods read every reply as JSON, so this one uses the client beneath them. */
  private static String streamed(ApiClient client, String key, ChatRequest request)
      throws Exception {
    HttpRequest post =
        HttpRequest.newBuilder(URI.create(client.getBaseUri() + "/v1/chat/stream"))
            .header("Authorization", "Bearer " + key)
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(client.getObjectMapper().writeValueAsString(request)))
            .build();
    return client.getHttpClient().send(post, BodyHandlers.ofString()).body();
  }

  private static int statusOf(ChatApi chat, ChatRequest request) {
    try {
      chat.chat(request, null);
      return 200;
    } catch (ApiException refused) {
      check("the code of an error", refused.getResponseBody().contains("\"NOT_OWNER\""));
      return refused.getCode();
    }
  }

  private static void check(String what, boolean holds) {
    if (!holds) {
      System.err.println("the Java client failed at: " + what);
      System.exit(1);
    }
  }
}
