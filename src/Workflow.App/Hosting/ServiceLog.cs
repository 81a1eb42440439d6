using Microsoft.Extensions.Logging.Console;
using Workflow.Cloud.Secrets;

namespace Workflow.App.Hosting;

/// <summary>Logs go to stderr, whatever is told: stdout belongs to what was asked for. No known secret is in them.</summary>
internal static class ServiceLog
{
    /// <param name="least">What a command that is no service logs at least; null for what the configuration says.</param>
    public static void Configure(ILoggingBuilder logging, IConfiguration sources, LogLevel? least, KnownSecrets known)
    {
        logging.MaskSecrets(known);
        if (least is { } level)
        {
            logging.SetMinimumLevel(level);
        }
        else
        {
            logging.AddConfiguration(sources.GetSection("Logging"));
        }

        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        });
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }
}
