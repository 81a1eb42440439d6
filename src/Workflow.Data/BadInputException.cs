namespace Workflow.Data;

/// <summary>An input file is not what it should be; the message names the place and what would be right. Trying again does not help.</summary>
public sealed class BadInputException(string message, Exception? inner = null) : Exception(message, inner);
