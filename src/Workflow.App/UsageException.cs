namespace Workflow.App;

/// <summary>The program was asked for something it cannot do; the message is all the user needs.</summary>
internal class UsageException(string message) : Exception(message);
