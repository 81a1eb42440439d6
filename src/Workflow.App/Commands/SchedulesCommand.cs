using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using Workflow.App.Api;
using Workflow.App.Hosting;

namespace Workflow.App.Commands;

/// <summary><c>workflow schedules</c>: when pipelines run by themselves; pausing and resuming that.</summary>
internal static class SchedulesCommand
{
    private static readonly Argument<string> Pipeline = new("pipeline") { Description = "The name of the pipeline." };
    private static readonly Option<string?> Reason = new("--reason") { Description = "Why, for whoever looks at it.", HelpName = "TEXT" };

    public static Command Create()
    {
        var command = new Command("schedules", "Lists the schedules with their next ticks.") { CommandLine.Json };
        command.SetAction((line, cancellation) => AskAsync(line, async service => await service.SchedulesAsync(cancellation), cancellation));
        command.Subcommands.Add(Steer("pause", "Holds a schedule: no tick of it becomes a run until it is resumed.", [Reason], "workflow schedules pause segment-customers --reason 'month-end closing'"));
        command.Subcommands.Add(Steer("resume", "Lets a schedule go on with its next tick; those meanwhile are left out.", [], "workflow schedules resume segment-customers"));
        return command.WithExamples("workflow schedules --json", "workflow schedules pause segment-customers --reason 'month-end closing'");
    }

    private static Command Steer(string verb, string description, IEnumerable<Option> options, string example)
    {
        var command = new Command(verb, description) { Pipeline, CommandLine.Json };
        foreach (var option in options)
        {
            command.Options.Add(option);
        }

        command.SetAction((line, cancellation) => AskAsync(
            line,
            async service => [await service.SteerScheduleAsync(line.GetRequiredValue(Pipeline), verb, options.Contains(Reason) ? line.GetValue(Reason) : null, cancellation)],
            cancellation));
        return command.WithExamples(example);
    }

    private static async Task<int> AskAsync(ParseResult line, Func<ServiceClient, Task<IReadOnlyList<ScheduleView>>> ask, CancellationToken cancellation)
    {
        await using var service = await ServiceConnection.OpenAsync(line.DataFolder(), ServiceRoles.None, cancellation);
        var schedules = await ask(service.Client);
        if (line.GetValue(CommandLine.Json))
        {
            CommandLine.PrintJson(schedules);
            return CommandLine.Completed;
        }

        var table = RunOutput.NewTable("pipeline", "schedule", "zone", "last run", "state", "next ticks (UTC)");
        foreach (var schedule in schedules)
        {
            table.AddRow(
                new Text(schedule.Pipeline), new Text(schedule.Schedule), new Text(schedule.TimeZone), new Text(schedule.LastInstance ?? ""),
                new Text(State(schedule)), new Text(string.Join(", ", schedule.Next.Select(Short))));
        }

        RunOutput.Write(table);
        return CommandLine.Completed;
    }

    private static string State(ScheduleView schedule) => schedule switch
    {
        { RemovedAt: { } removed } => $"not in the settings since {Short(removed)}",
        { Paused: { } paused } => $"paused by {paused.By} since {Short(paused.Since)}{(paused.Reason is null ? "" : $": {paused.Reason}")}",
        { QueuedTick: { } queued } => $"{Short(queued)} waits for the run before",
        _ => "on",
    };

    private static string Short(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}
