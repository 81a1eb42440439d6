namespace Workflow.App.Api;

/// <summary>Where an instance is looked at and steered, as Durable Functions tells whoever starts one.</summary>
/// <param name="SendEventPostUri">With <c>{eventName}</c> to be replaced.</param>
internal sealed record ManagementAddresses(
    string Id,
    string StatusQueryGetUri,
    string SendEventPostUri,
    string TerminatePostUri,
    string SuspendPostUri,
    string ResumePostUri,
    string RewindPostUri,
    string PurgeHistoryDeleteUri)
{
    /// <param name="request">What asked for the instance: the addresses are those of the host it was sent to.</param>
    public static ManagementAddresses Of(HttpRequest request, string instance)
    {
        var root = $"{request.Scheme}://{request.Host}{request.PathBase}{DurableFunctionsApi.Instances}/{Uri.EscapeDataString(instance)}";
        return new(
            instance, root, $"{root}/raiseEvent/{{eventName}}", $"{root}/terminate?reason={{text}}", $"{root}/suspend?reason={{text}}",
            $"{root}/resume?reason={{text}}", $"{root}/rewind?reason={{text}}", root);
    }
}
