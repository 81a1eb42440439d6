namespace Workflow.Data.Warehouse;

/// <summary>The warehouse cannot take the file as it is; nothing was changed. The message names what stands against what, and the next move.</summary>
public sealed class WarehouseException(string message, Exception? inner = null) : Exception(message, inner);
