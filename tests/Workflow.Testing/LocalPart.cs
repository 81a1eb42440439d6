using Workflow.Cloud.Local;
using Xunit.v3;

namespace Workflow.Testing;

/// <summary>A test that needs a local part which is not installed is skipped on a laptop and fails in CI.</summary>
public static class LocalPart
{
    public static bool InCI => Environment.GetEnvironmentVariable("CI") == "true";

    public static async Task<T> OrSkipAsync<T>(Func<Task<T>> start)
    {
        try
        {
            return await start();
        }
        catch (LocalPartMissingException missing) when (!InCI)
        {
            throw new InvalidOperationException(DynamicSkipToken.Value + missing.Message, missing);
        }
    }
}
