using System.CommandLine;

namespace Workflow.App.Commands;

/// <summary><c>workflow rewind</c>.</summary>
internal static class RewindCommand
{
    public static Command Create() => SteerCommand.Create("rewind", "Lets a failed run go on from the steps that failed it; what succeeded is kept.");
}
