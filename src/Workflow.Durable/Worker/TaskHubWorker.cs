using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Workflow.Durable.Store;

namespace Workflow.Durable.Worker;

/// <summary>Keeps this host at work: one session after the other, whatever becomes of the database in between.</summary>
internal sealed class TaskHubWorker(
    TaskHub hub, DurableTaskRegistry registry, IOptions<DurableTaskOptions> options, IServiceProvider services, ILoggerFactory loggers) : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time = (TimeProvider)services.GetService(typeof(TimeProvider))!;
    private readonly ILogger _log = loggers.CreateLogger<TaskHubWorker>();
    private volatile WorkSession? _session;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await UntilItWorksAsync("prepare the task hub", () => hub.PrepareAsync(stoppingToken).AsTask(), stoppingToken);
        void Look() => _session?.Look();
        hub.WorkArrived += Look;
        var listening = ListenAsync(stoppingToken);
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                await WorkAsync(stoppingToken);
            }
        }
        finally
        {
            hub.WorkArrived -= Look;
            await listening.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>The work stops before anything else of the host does: until then it answers, and says that it is stopping.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken) => StopAsync(cancellationToken);

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            await base.StopAsync(cancellationToken);
        }
        catch (AggregateException) when (ExecuteTask is not null)
        {
            // The driver throws when a statement is cancelled while its connection breaks. Everybody has been told to stop all the same.
            await ExecuteTask.WaitAsync(cancellationToken);
        }
    }

    private async Task WorkAsync(CancellationToken stop)
    {
        await using var session = new WorkSession(new WorkServices(hub, registry, options.Value, _time, services, loggers));
        _session = session;
        try
        {
            await session.RunAsync(stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        catch (LeaseLostException lost)
        {
            _log.LogWarning("Going on from the last checkpoints under a new lease: {Reason}", lost.Message);
        }
        catch (Exception error)
        {
            _log.LogError(error, "The work stopped unexpectedly; going on from the last checkpoints");
            await Task.Delay(s_retry, _time, stop).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
        finally
        {
            _session = null;
        }
    }

    private async Task ListenAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await using var connection = await hub.Data.OpenConnectionAsync(stop);
                connection.Notification += (_, call) => _session?.Hear(call.Payload);
                await using (var listen = new NpgsqlCommand($"LISTEN \"{hub.Channel}\"", connection))
                {
                    await listen.ExecuteNonQueryAsync(stop);
                }

                _session?.Look();  // something may have been called while nobody listened
                while (true)
                {
                    await connection.WaitAsync(stop);
                }
            }
            catch (NpgsqlException away)
            {
                _log.LogDebug(away, "Lost the line to the database; listening again soon");
                await Task.Delay(s_retry, _time, stop);
            }
        }
    }

    private async Task UntilItWorksAsync(string what, Func<Task> work, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                await work();
                return;
            }
            catch (NpgsqlException away) when (away.IsOutage())
            {
                _log.LogWarning("Cannot {What} yet ({Reason}); trying again", what, away.Message);
                await Task.Delay(s_retry, _time, stop);
            }
        }
    }
}
