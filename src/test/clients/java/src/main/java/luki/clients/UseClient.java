package luki.clients;

import java.util.List;
import java.util.Set;
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

/**
 * A program that uses the generated client; it ends with 1 at the first reply that is wrong. The
 * generated client reads every reply as JSON, so the streams are not among them.
 */
public final class UseClient {
  private UseClient() {}

  /** With the address of the gateway and a key. */
  public static void main(String[] arguments) throws ApiException {
    ApiClient client = new ApiClient();
    client.updateBaseUri(arguments[0]);
    client.setRequestInterceptor(
        request -> request.header("Authorization", "Bearer " + arguments[1]));
    ChatApi chat = new ChatApi(client);
    MemoriesApi memories = new MemoriesApi(client);

    ChatRequest hello = new ChatRequest().userId("maria_k").message("Hello");
    ChatReply answer = chat.chat(hello);
    check("a chat", answer.getText().contains("Hello"));

    Item kept =
        memories.ingestText(
            new IngestRequest().userId("maria_k").text("I sang in a choir").tags(Set.of("music")));
    SearchReply found =
        memories.searchItems(new SearchRequest().userId("maria_k").query("sang choir"));
    check(
        "an ingest with a search",
        found.getItems().stream().anyMatch(item -> item.getId().equals(kept.getId())));

    ConsentGrant grant = new ConsentGrant().scope(ConsentScope.ELR_MEMORIES).purpose("chat");
    check(
        "a change of consent",
        new UsersApi(client)
            .changeConsent("maria_k", new ConsentChange().grants(List.of(grant)))
            .getValidScopes()
            .contains("elr_memories"));
    check("an error", statusOf(chat, new ChatRequest().userId("of_another").message("Hi")) == 403);
    System.out.println("4 passed, 0 failed");
  }

  private static int statusOf(ChatApi chat, ChatRequest request) {
    try {
      chat.chat(request);
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
