using Workflow.App.Hosting;

namespace Workflow.App.Commands;

/// <summary>What whoever starts the service has to know about keys. It goes to the terminal and not to the log, which others read and which is kept.</summary>
internal static class AccessNotes
{
    public static async Task PrintAsync(Service service, ListenAddresses listen, CancellationToken cancellation)
    {
        PrintNewKey(service);
        if (!listen.IsLoopback && listen.Urls.Any(url => new Uri(url) is { IsLoopback: false, Scheme: "http" }))
        {
            CommandLine.Note("Keys and tokens travel readable over http. Write https into --urls, or let a proxy end TLS.");
        }

        if (!listen.IsLoopback && !await service.HasCallersAsync(cancellation))
        {
            CommandLine.Note("Nobody holds a key yet, so nothing answers but /health. Make one: workflow keys create --name NAME --role admin");
        }
    }

    /// <summary>Once: at the next start it is no longer new.</summary>
    public static void PrintNewKey(Service service)
    {
        if (service.NewKey is { } key)
        {
            CommandLine.Note($"""
                Every call needs a key. Yours, shown this once, is

                  {key.Reveal()}

                and kept in {service.Data.KeyFile}, where the command line finds it and no other user can.
                """);
        }
    }
}
