using System.CommandLine;

namespace Workflow.App.Commands;

/// <summary><c>workflow terminate</c>.</summary>
internal static class TerminateCommand
{
    public static Command Create() => SteerCommand.Create("terminate", "Ends a run, with everything it started.");
}
