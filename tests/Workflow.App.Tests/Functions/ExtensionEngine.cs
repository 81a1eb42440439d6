using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Workflow.Durable;
using Workflow.Durable.Protocol;
using Workflow.Testing;

namespace Workflow.App.Tests.Functions;

/// <summary>
/// What the Azure Functions host and its Durable Task extension do, as far as a handler can see it: it keeps histories, asks the handler for
/// turns and activities over HTTP, and does what turns ask for. What the extension does not carry, it does not carry. Its clock stands still
/// while anything is under way, and then goes on to the next timer.
/// </summary>
internal sealed partial class ExtensionEngine : IAsyncDisposable
{
    private readonly Dictionary<string, EngineInstance> _instances = new(StringComparer.Ordinal);
    private readonly PriorityQueue<(EngineInstance Instance, string Execution, HistoryEvent Fired), (DateTime At, int Order)> _timers = new();
    private readonly Channel<bool> _changed = Channel.CreateUnbounded<bool>();
    private readonly Lock _lock = new();
    private readonly HttpClient _handler = new() { Timeout = TimeSpan.FromMinutes(2) };
    private readonly ExtensionApi _api;
    private int _underWay;
    private int _timersMade;

    // As the host's is, because activities compare the time that their run has with the machine's clock.
    private DateTime _now = TimeProvider.System.GetUtcNow().UtcDateTime;

    private ExtensionEngine(Uri handler, ExtensionApi api)
    {
        _handler.BaseAddress = handler;
        _api = api;
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Turns that the handler was asked for.</summary>
    public int Turns { get; private set; }

    public DateTime Now => _now;

    public void Pass(TimeSpan time) => _now += time;

    /// <summary>What a <c>durableClient</c> binding says.</summary>
    public JsonObject Client => _api.Binding;

    public static async Task<ExtensionEngine> StartAsync(Uri handler)
    {
        var api = new ExtensionApi();
        var engine = new ExtensionEngine(handler, api);
        await api.StartAsync(engine);
        return engine;
    }

    /// <summary>Called after each turn that was taken in.</summary>
    public Func<EngineInstance, Task> AfterTurn { get; set; } = _ => Task.CompletedTask;

    /// <summary>A turn is asked for when nothing is under way any more, so that it is told of all at once.</summary>
    public bool Gathers { get; set; }

    public EngineInstance? Find(string id)
    {
        lock (_lock)
        {
            return _instances.GetValueOrDefault(id);
        }
    }

    public IReadOnlyList<EngineInstance> All()
    {
        lock (_lock)
        {
            return [.. _instances.Values];
        }
    }

    public bool Remove(string id)
    {
        lock (_lock)
        {
            return _instances.Remove(id);
        }
    }

    /// <summary>Starts an instance; one of that id that has not ended refuses it.</summary>
    public EngineInstance Start(string name, string? input, string id)
    {
        lock (_lock)
        {
            return _instances.TryGetValue(id, out var there) && !there.HasEnded
                ? throw new InvalidOperationException($"An Orchestration instance with the status {there.Status} already exists.")
                : Create(name, input, id, null);
        }
    }

    public void Tell(EngineInstance instance, HistoryEvent happened)
    {
        happened.EventId = -1;
        happened.Timestamp = Timestamp.FromDateTime(_now);
        lock (_lock)
        {
            instance.Inbox.Enqueue(happened);
        }

        _changed.Writer.TryWrite(true);
    }

    /// <summary>Runs an orchestrator to its end.</summary>
    public Task<EngineInstance> RunAsync(string name, object? input = null, string? id = null) =>
        FinishAsync(Start(name, JsonDataConverter.Serialize(input, "the input"), id ?? Guid.NewGuid().ToString("N")));

    public async Task<EngineInstance> FinishAsync(EngineInstance instance)
    {
        while (!instance.HasEnded)
        {
            await StepAsync();
        }

        return instance;
    }

    /// <summary>Until nothing is under way but timers.</summary>
    public async Task SettleAsync()
    {
        while (NextToTell() is not null || Volatile.Read(ref _underWay) > 0)
        {
            await StepAsync();
        }
    }

    /// <summary>Until no activity is under way.</summary>
    public Task SettleActivitiesAsync() => Eventually.TrueAsync(() => Volatile.Read(ref _underWay) == 0, cancellation: Cancellation);

    /// <summary>Asks a function for something, as the host does.</summary>
    public Task<HttpResponseMessage> PostAsync(string function, JsonNode body) => _handler.PostAsJsonAsync(function, body, Cancellation);

    /// <summary>A request to the app, by one of its HTTP functions.</summary>
    public async Task<(string Status, JsonNode Body, JsonObject Headers)> RequestAsync(string function, string method, string url, string? body = null, params (string Name, string Value)[] headers)
    {
        using var answer = await PostAsync(function, HostRequests.Http(method, url, body, Client, [("Content-Type", "application/json"), .. Key is null ? [] : new[] { ("Authorization", $"Bearer {Key}") }, .. headers]));
        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.True(answer.IsSuccessStatusCode, text);
        var response = JsonNode.Parse(text)!["Outputs"]!["res"]!.AsObject();
        return (response["statusCode"]!.GetValue<string>(), JsonNode.Parse(response["body"]!.GetValue<string>() is { Length: > 0 } json ? json : "null")!, response["headers"]!.AsObject());
    }

    /// <summary>What callers of the app show.</summary>
    public string? Key { get; set; }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        _handler.Dispose();
    }

    private async Task StepAsync()
    {
        if (NextToTell() is { } instance && !(Gathers && Volatile.Read(ref _underWay) > 0))
        {
            await TurnAsync(instance);
        }
        else if (Volatile.Read(ref _underWay) > 0 || _changed.Reader.TryPeek(out _))
        {
            await _changed.Reader.ReadAsync(Cancellation);
        }
        else if (_timers.TryDequeue(out var timer, out var due))
        {
            _now = due.At > _now ? due.At : _now;
            if (timer.Instance.ExecutionId == timer.Execution && !timer.Instance.HasEnded)
            {
                Tell(timer.Instance, timer.Fired);
            }
        }
        else
        {
            throw new InvalidOperationException($"Nothing is under way any more: {string.Join(", ", _instances.Values.Select(one => $"{one.Id} is {one.Status}"))}");
        }
    }

    private EngineInstance? NextToTell()
    {
        lock (_lock)
        {
            return _instances.Values.FirstOrDefault(instance => instance.Inbox.Count > 0 && !instance.HasEnded);
        }
    }

    private EngineInstance Create(string name, string? input, string id, (EngineInstance, int)? parent)
    {
        var instance = new EngineInstance(id, name, input, _now) { Parent = parent };
        _instances[id] = instance;
        instance.Inbox.Enqueue(Started(instance));
        _changed.Writer.TryWrite(true);
        return instance;
    }

    private HistoryEvent Started(EngineInstance instance)
    {
        var started = new ExecutionStartedEvent
        {
            Name = instance.Name,
            Input = instance.Input,
            OrchestrationInstance = new() { InstanceId = instance.Id, ExecutionId = instance.ExecutionId },
        };
        if (instance.Parent is var (parent, taskId) && parent is not null)
        {
            started.ParentInstance = new() { Name = parent.Name, TaskScheduledId = taskId, OrchestrationInstance = new() { InstanceId = parent.Id, ExecutionId = parent.ExecutionId } };
        }

        return At(-1, new() { ExecutionStarted = started });
    }

    private HistoryEvent At(int id, HistoryEvent happened)
    {
        happened.EventId = id;
        happened.Timestamp = Timestamp.FromDateTime(_now);
        return happened;
    }
}
