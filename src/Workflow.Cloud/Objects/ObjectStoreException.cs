namespace Workflow.Cloud.Objects;

/// <summary>An object store refused or failed; the message names the address and the next move.</summary>
public class ObjectStoreException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>There is no object at the address.</summary>
public sealed class ObjectNotFoundException(ObjectAddress address, Exception? inner = null)
    : ObjectStoreException($"There is no object at {address}.", inner);

/// <summary>A conditional write found an object already there.</summary>
public sealed class ObjectExistsException(ObjectAddress address, Exception? inner = null)
    : ObjectStoreException($"There is already an object at {address}.", inner);
