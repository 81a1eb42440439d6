namespace Workflow.Data.CheckIns;

/// <summary>That somebody worked on a project.</summary>
/// <param name="Timestamp">UTC.</param>
public sealed record CheckIn(string User, string Project, decimal Hours, DateTime Timestamp);
