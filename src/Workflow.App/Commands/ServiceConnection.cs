using Workflow.App.Api.Access;
using Workflow.App.Hosting;

namespace Workflow.App.Commands;

/// <summary>The service a command talks to: the one that is running, or one hosted for as long as the command takes.</summary>
internal sealed class ServiceConnection : IAsyncDisposable
{
    private readonly Service? _hosted;

    private ServiceConnection(Uri address, DataFolder data, Service? hosted)
    {
        Client = new(address, LocalKey.CredentialFor(data));
        _hosted = hosted;
    }

    public ServiceClient Client { get; }

    /// <summary>No service was running.</summary>
    public bool IsHosted => _hosted is not null;

    /// <param name="roles">What a service hosted for this command does besides answering.</param>
    public static async Task<ServiceConnection> OpenAsync(DataFolder data, ServiceRoles roles, CancellationToken cancellation)
    {
        if (await ServiceRecord.FindAsync(data, cancellation) is { } running)
        {
            return new(running.Address, data, null);
        }

        var hosted = await Service.StartAsync(new(data, ListenAddresses.Ephemeral, roles, LogLevel.Warning), cancellation);
        AccessNotes.PrintNewKey(hosted);
        return new(hosted.Address, data, hosted);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (_hosted is not null)
        {
            await _hosted.DisposeAsync();
        }
    }
}
