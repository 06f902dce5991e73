package luki.gateway.cli;

/** What {@code help} prints. */
final class Usage {
  static final String TEXT =
      """
      usage: java -jar luki-gateway.jar [command]

        serve                       serve until SIGTERM (the default)
        check [--json]              audit configuration and contract; 2 when a finding is critical
        policy [--format md|json|html]
                                    the effective policy, one row a route
        explain METHOD PATH [--claims FILE] [--body FILE] [--header 'Name: value']…
                                    what each gate makes of a request, offline; claims and body are
                                    JSON; iss, aud and exp are filled in where the claims have none
        key create --owner O --scopes a,b [--roles r] [--users u1,u2|*] [--plan P] [--expires 90d]
                                    make an API key and print it, once
        key list                    the keys, without what they open
        key revoke ID               end a key now
        key rotate ID [--grace 7d]  make its successor and print it; the old one ends after the grace
        token mint --sub U --scopes a,b [--ttl 10m]
                                    dev only: a user's token, signed by a key made for it
        audit verify FILE           whether every record holds; 1 and the first that does not
        usage [--since D] [--by plan|principal]
                                    sum the events of USAGE_OUTBOX; D is 2026-11-01, a moment, or 30d
        openapi                     print the contract
        version                     print the version
        help                        print this

      Settings are environment variables; env.example lists them. Exit codes: 0 done, 2 bad usage or
      configuration, 1 any other failure.
      """;

  private Usage() {}
}
