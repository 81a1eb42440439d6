using System.CommandLine;

namespace Workflow.App.Commands;

/// <summary><c>workflow suspend</c>.</summary>
internal static class SuspendCommand
{
    public static Command Create() => SteerCommand.Create("suspend", "Holds a run until it is resumed.");
}
