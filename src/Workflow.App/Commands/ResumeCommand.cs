using System.CommandLine;

namespace Workflow.App.Commands;

/// <summary><c>workflow resume</c>.</summary>
internal static class ResumeCommand
{
    public static Command Create() => SteerCommand.Create("resume", "Lets a suspended run go on.");
}
