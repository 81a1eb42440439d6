using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Workflow.Testing;

/// <summary>
/// An HTTP proxy in front of a real server: everything passes unchanged, host and path as the client signed them,
/// until a test asks for a <see cref="Fault"/>.
/// </summary>
public sealed class FaultProxy : IAsyncDisposable
{
    // Between one connection and the next; the lengths of bodies are set from their contents.
    private static readonly string[] NotPassedOn = ["Connection", "Keep-Alive", "Transfer-Encoding", "Expect", "Upgrade"];

    private readonly WebApplication _app;
    private readonly Uri _server;
    private readonly HttpMessageInvoker _client = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false, ActivityHeadersPropagator = null });
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly Lock _lock = new();
    private readonly List<Order> _orders = [];

    private FaultProxy(WebApplication app, Uri server)
    {
        _app = app;
        _server = server;
    }

    /// <summary>Where clients go instead of to the server.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>Method and target of what was asked, in order: <c>GET /bucket/key?versionId=1</c>.</summary>
    public IReadOnlyCollection<string> Requests => _requests;

    public static async Task<FaultProxy> StartAsync(Uri server, CancellationToken cancellation = default)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
        });
        var proxy = new FaultProxy(builder.Build(), server);
        proxy._app.Run(proxy.HandleAsync);
        await proxy._app.StartAsync(cancellation);
        proxy.Address = new(proxy._app.Urls.Single());
        return proxy;
    }

    /// <param name="times">How many requests it befalls; after those everything passes again.</param>
    /// <param name="when">Which requests, by <c>METHOD /target</c>; null for any.</param>
    public void Inject(Fault fault, int times = 1, Func<string, bool>? when = null)
    {
        lock (_lock)
        {
            _orders.Add(new(fault, times, when ?? (_ => true)));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _client.Dispose();
    }

    private async Task HandleAsync(HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var request = $"{context.Request.Method} {target}";
        _requests.Enqueue(request);
        try
        {
            await HandleAsync(context, target, Take(request));
        }
        catch (Exception cut) when (cut is IOException or HttpRequestException or OperationCanceledException or CutException)
        {
            context.Abort();
        }
    }

    private async Task HandleAsync(HttpContext context, string target, Fault? fault)
    {
        if (fault is Fault.Answer answer)
        {
            // Read first, or the client may find its connection reset instead of the answer.
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
            await AnswerAsync(context, answer);
            return;
        }

        if (fault is Fault.Hold hold)
        {
            await hold.Until.WaitAsync(context.RequestAborted);
        }

        using var passedOn = PassOn(context.Request, target, fault);
        using var answered = await _client.SendAsync(passedOn, context.RequestAborted);
        if (fault is Fault.LoseAnswer)
        {
            throw new CutException();
        }

        await ReturnAsync(context, answered, fault);
    }

    private static Task AnswerAsync(HttpContext context, Fault.Answer answer)
    {
        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = answer.ContentType;
        foreach (var (name, value) in answer.Headers)
        {
            context.Response.Headers[name] = value;
        }

        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.WriteAsync(answer.Body, context.RequestAborted);
    }

    private HttpRequestMessage PassOn(HttpRequest request, string target, Fault? fault)
    {
        var address = new Uri($"{_server.Scheme}://{_server.Authority}{target}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var passedOn = new HttpRequestMessage(new(request.Method), address) { Version = HttpVersion.Version11 };
        if (request.ContentLength is not null || request.Headers.TransferEncoding.Count > 0)
        {
            passedOn.Content = new StreamContent(fault switch
            {
                Fault.CutRequest cut => new FaultyStream(request.Body) { CutAfter = cut.After },
                Fault.FlipRequest flip => new FaultyStream(request.Body) { FlipAt = flip.At },
                _ => request.Body,
            });
        }

        foreach (var (name, values) in request.Headers)
        {
            if (!NotPassedOn.Contains(name, StringComparer.OrdinalIgnoreCase) && !passedOn.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
            {
                passedOn.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }

        return passedOn;
    }

    private static async Task ReturnAsync(HttpContext context, HttpResponseMessage answered, Fault? fault)
    {
        context.Response.StatusCode = (int)answered.StatusCode;
        foreach (var (name, values) in answered.Headers.NonValidated.Concat(answered.Content.Headers.NonValidated))
        {
            if (!NotPassedOn.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                context.Response.Headers[name] = values.ToArray();
            }
        }

        if (HttpMethods.IsHead(context.Request.Method) || answered.StatusCode is HttpStatusCode.NoContent or HttpStatusCode.NotModified)
        {
            return;
        }

        await using var body = await answered.Content.ReadAsStreamAsync(context.RequestAborted);
        var passing = fault switch
        {
            Fault.CutAnswer cut => new FaultyStream(body) { CutAfter = cut.After },
            Fault.StallAnswer stall => new FaultyStream(body) { StallAfter = stall.After, StallUntil = stall.Until },
            Fault.FlipAnswer flip => new FaultyStream(body) { FlipAt = flip.At },
            _ => body,
        };
        await passing.CopyToAsync(context.Response.Body, context.RequestAborted);
    }

    private Fault? Take(string request)
    {
        lock (_lock)
        {
            if (_orders.Find(order => order.When(request)) is not { } order)
            {
                return null;
            }

            if (--order.Left == 0)
            {
                _orders.Remove(order);
            }

            return order.Fault;
        }
    }

    private sealed class Order(Fault fault, int times, Func<string, bool> when)
    {
        public Fault Fault => fault;

        public Func<string, bool> When => when;

        public int Left { get; set; } = times;
    }

    private sealed class CutException : Exception;

    /// <summary>Reads what comes, up to where the fault is.</summary>
    private sealed class FaultyStream(Stream inner) : Stream
    {
        private long _position;

        public long CutAfter { get; init; } = long.MaxValue;

        public long StallAfter { get; init; } = long.MaxValue;

        public Task StallUntil { get; init; } = Task.CompletedTask;

        public long FlipAt { get; init; } = -1;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_position == CutAfter)
            {
                throw new CutException();
            }

            if (_position == StallAfter)
            {
                await StallUntil.WaitAsync(cancellationToken);
            }

            // Up to the fault first, so that exactly what was ordered gets through.
            var next = new[] { CutAfter, StallAfter }.Where(stop => stop > _position).DefaultIfEmpty(long.MaxValue).Min();
            var read = await inner.ReadAsync(buffer[..(int)Math.Min(buffer.Length, next - _position)], cancellationToken);
            if (FlipAt >= _position && FlipAt < _position + read)
            {
                buffer.Span[(int)(FlipAt - _position)] ^= 0xFF;
            }

            _position += read;
            return read;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
