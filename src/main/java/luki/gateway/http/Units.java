package luki.gateway.http;

/** An amount for each {@link Meter}. */
public record Units(long requests, long chatMessages, long streamedCharacters) {
  public static final Units NONE = new Units(0, 0, 0);

  public long of(Meter meter) {
    return switch (meter) {
      case REQUESTS -> requests;
      case CHAT_MESSAGES -> chatMessages;
      case STREAMED_CHARACTERS -> streamedCharacters;
    };
  }

  public Units withCharacters(long characters) {
    return new Units(requests, chatMessages, characters);
  }

  public boolean isNone() {
    return requests == 0 && chatMessages == 0 && streamedCharacters == 0;
  }
}
