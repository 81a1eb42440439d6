using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace Workflow.Cloud.Local;

/// <summary>
/// A stand-in for a Salesforce organisation with contacts: OAuth logins, the Bulk API 2.0 and the limits, as far as a sync needs them.
/// It refuses what Salesforce refuses, keeps its state in the data folder (<c>salesforce/</c>), and fails on command.
/// </summary>
public sealed class LocalSalesforce
{
    /// <summary>Where an application maps it.</summary>
    public const string Path = "/local/salesforce";

    /// <summary>Where one logs in: with a form, and before one has anything to show.</summary>
    public const string LoginPath = Path + "/services/oauth2/token";

    /// <summary>The name of the secret with which one logs in to the stand-in in one's own process.</summary>
    public const string SecretName = "local/salesforce";

    private const string User = "sync@example.com";
    private const string Password = "local password";
    private const string SecurityToken = "local token";
    private const string ClientId = "local client";
    private const string ClientSecret = "local client secret";

    private readonly LocalSalesforceStore _store;
    private readonly LocalSalesforceJobs _jobs;
    private readonly ConcurrentDictionary<string, bool> _tokens = new();
    private readonly Lock _faultLock = new();
    private readonly List<Fault> _faults = [];
    private volatile string _password = Password;

    public LocalSalesforce(string dataFolder, TimeProvider time)
    {
        _store = new(dataFolder, time);
        _jobs = new(_store, time);
    }

    /// <summary>Lets the next requests fail whose path contains <paramref name="Path"/>.</summary>
    /// <param name="Path">Such as <c>/batches</c>, or <c>/oauth2/token</c> for logins.</param>
    /// <param name="Times">How many requests.</param>
    /// <param name="Method">Only those with it; null for all.</param>
    /// <param name="Status">What they are answered with; 0 for what they would be answered with anyway.</param>
    /// <param name="Code">Salesforce's code beside it.</param>
    /// <param name="Message">And its message.</param>
    /// <param name="RetryAfter">In seconds.</param>
    /// <param name="Delay">In milliseconds, before the answer.</param>
    /// <param name="GiveUp">Makes the next job fail with this, half way through its records.</param>
    /// <param name="CutBody">Does what is asked, and breaks the connection in the middle of the answer.</param>
    /// <param name="NewPassword">Is the user's from then on, and all sessions have ended.</param>
    public sealed record Fault(
        string Path, int Times, string? Method = null, int Status = 0, string Code = "UNKNOWN_EXCEPTION", string Message = "fault on command", int? RetryAfter = null, int Delay = 0, bool CutBody = false, string? GiveUp = null, string? NewPassword = null);

    /// <summary>The fields of a secret with which one logs in to the stand-in.</summary>
    /// <param name="login">Where it is: an address, or <c>local</c> for the one in the process that asks.</param>
    public static IReadOnlyDictionary<string, string> Secret(string login) => new Dictionary<string, string>
    {
        ["login_url"] = login,
        ["username"] = User,
        ["password"] = Password,
        ["security_token"] = SecurityToken,
        ["client_id"] = ClientId,
        ["client_secret"] = ClientSecret,
    };

    /// <summary>Puts contacts in, replacing those of the same id.</summary>
    public async Task PutContactsAsync(IReadOnlyList<LocalContact> contacts, CancellationToken cancellation)
    {
        using (await _store.LockAsync(cancellation))
        {
            var all = _store.Contacts().ToDictionary(contact => contact.Id);
            foreach (var contact in contacts)
            {
                all[contact.Id] = contact;
            }

            _store.Keep([.. all.Values]);
        }
    }

    public Task<IReadOnlyList<LocalContact>> ReadContactsAsync(CancellationToken cancellation) => UseAsync<IReadOnlyList<LocalContact>>(store => store.Contacts(), cancellation);

    public Task<IReadOnlyList<LocalSalesforceJob>> ReadJobsAsync(CancellationToken cancellation) => UseAsync(store => store.Jobs(), cancellation);

    public Task<LocalSalesforceUsage> ReadUsageAsync(CancellationToken cancellation) => UseAsync(store => store.Usage(), cancellation);

    /// <summary>Sets how many API requests there are and how many are used.</summary>
    public Task SetUsageAsync(LocalSalesforceUsage usage, CancellationToken cancellation) => UseAsync(store =>
    {
        store.Keep(usage);
        return usage;
    }, cancellation);

    public void Fail(Fault fault)
    {
        lock (_faultLock)
        {
            _faults.Add(fault);
        }
    }

    /// <summary>Ends all sessions, as a time-out or an administrator does.</summary>
    public void ExpireSessions() => _tokens.Clear();

    /// <summary>Logs in: the password flow, or client credentials.</summary>
    internal Task<IResult> LogInAsync(HttpContext context, Uri instance) => WithFaultAsync(context, async fault =>
    {
        Refuse(fault, context.Response);
        return LogIn(await context.Request.ReadFormAsync(context.RequestAborted), instance);
    });

    private IResult LogIn(IFormCollection form, Uri instance)
    {
        var refusal = form["client_id"] != ClientId ? ("invalid_client_id", "client identifier invalid")
            : form["client_secret"] != ClientSecret ? ("invalid_client", "invalid client credentials")
            : (string?)form["grant_type"] switch
            {
                "client_credentials" => null,
                "password" => form["username"] == User && form["password"] == _password + SecurityToken ? null : ("invalid_grant", "authentication failure"),
                _ => ((string Error, string Description)?)("unsupported_grant_type", "grant type not supported"),
            };
        if (refusal is var (error, description))
        {
            return Results.Json(new { error, error_description = description }, statusCode: StatusCodes.Status400BadRequest);
        }

        var token = $"00D!{RandomNumberGenerator.GetHexString(40)}";
        _tokens[token] = true;
        return Results.Json(new { access_token = token, instance_url = instance.AbsoluteUri, token_type = "Bearer", id = new Uri(instance, "id/00D/005").AbsoluteUri });
    }

    /// <summary>A request under the API: who asks, how often it was asked, faults on command; then what is asked.</summary>
    internal Task<IResult> AnswerAsync(HttpContext context, Func<LocalSalesforceJobs, Task<IResult>> answer) => WithFaultAsync(context, async fault =>
    {
        string? received = null;
        try
        {
            // Ahead of the lock: an upload is as slow as its sender.
            received = HttpMethods.IsPut(context.Request.Method) ? await ReceiveAsync(context.Request) : null;
            context.Items[nameof(Received)] = received;
            using (await _store.LockAsync(context.RequestAborted))
            {
                Count(context);
                Refuse(fault, context.Response);
                _jobs.GiveUp = fault?.GiveUp ?? _jobs.GiveUp;
                return await answer(_jobs);
            }
        }
        finally
        {
            if (received is not null)
            {
                File.Delete(received);
            }
        }
    });

    /// <summary>The file in which <see cref="AnswerAsync"/> has put the body of a PUT.</summary>
    internal static string Received(HttpContext context) => (string)context.Items[nameof(Received)]!;

    private void Count(HttpContext context)
    {
        var bearer = context.Request.Headers.Authorization.ToString();
        if (!bearer.StartsWith("Bearer ", StringComparison.Ordinal) || !_tokens.ContainsKey(bearer["Bearer ".Length..]))
        {
            throw new LocalSalesforceRefusal(401, "INVALID_SESSION_ID", "Session expired or invalid");
        }

        var usage = _store.Usage();
        if (usage.Used >= usage.Max)
        {
            throw new LocalSalesforceRefusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
        }

        _store.Keep(usage = usage with { Used = usage.Used + 1 });
        context.Response.Headers["Sforce-Limit-Info"] = $"api-usage={usage.Used}/{usage.Max}";
    }

    private async Task<string> ReceiveAsync(HttpRequest request)
    {
        if (request.ContentType?.StartsWith("text/csv", StringComparison.OrdinalIgnoreCase) != true)
        {
            throw new LocalSalesforceRefusal(415, "INVALID_CONTENT_TYPE", "Data is uploaded as text/csv");
        }

        var file = _store.NewFile();
        await using var to = File.Create(file);
        await request.Body.CopyToAsync(to, request.HttpContext.RequestAborted);
        return file;
    }

    private async Task<IResult> WithFaultAsync(HttpContext context, Func<Fault?, Task<IResult>> answer)
    {
        var fault = TakeFault(context.Request);
        if (fault?.NewPassword is { } password)
        {
            _password = password;
            ExpireSessions();
        }

        await Task.Delay(TimeSpan.FromMilliseconds(fault?.Delay ?? 0), TimeProvider.System, context.RequestAborted);
        try
        {
            var result = await answer(fault);
            return fault is { CutBody: true } ? new CutResult(result) : result;
        }
        catch (LocalSalesforceRefusal refusal)
        {
            return Results.Json(new[] { new { errorCode = refusal.Code, message = refusal.Message } }, statusCode: refusal.Status);
        }
    }

    private static void Refuse(Fault? fault, HttpResponse response)
    {
        if (fault is { Status: > 0 })
        {
            response.Headers.RetryAfter = fault.RetryAfter is { } seconds ? $"{seconds}" : default;
            throw new LocalSalesforceRefusal(fault.Status, fault.Code, fault.Message);
        }
    }

    private Fault? TakeFault(HttpRequest request)
    {
        lock (_faultLock)
        {
            var at = _faults.FindIndex(fault => request.Path.Value!.Contains(fault.Path, StringComparison.Ordinal) && (fault.Method ?? request.Method) == request.Method);
            if (at < 0)
            {
                return null;
            }

            var fault = _faults[at];
            _faults[at] = fault with { Times = fault.Times - 1 };
            _faults.RemoveAll(left => left.Times <= 0);
            return fault;
        }
    }

    private async Task<T> UseAsync<T>(Func<LocalSalesforceStore, T> use, CancellationToken cancellation)
    {
        using (await _store.LockAsync(cancellation))
        {
            return use(_store);
        }
    }
}
