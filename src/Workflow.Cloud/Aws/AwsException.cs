namespace Workflow.Cloud.Aws;

/// <summary>
/// A call to a service of AWS came to nothing. What this type says may pass by itself: a service that is away, busy or throttling.
/// What no retry can mend is an <see cref="AwsRefusedException"/>.
/// </summary>
/// <param name="service">The service, for example <c>Glue</c>.</param>
/// <param name="operation">What was asked for, for example <c>StartJobRun</c>.</param>
/// <param name="code">The service's code for the error; null where none came.</param>
/// <param name="reason">What the service, or the way to it, said.</param>
public class AwsException(string service, string operation, string? code, string reason, Exception? cause)
    : Exception($"{service} {operation} failed: {(code is null ? "" : $"{code}, ")}{reason}", cause)
{
    public string Service => service;

    public string Operation => operation;

    public string? Code => code;

    public string Reason => reason;
}

/// <summary>The service understood and refused: the same call will be refused again.</summary>
public sealed class AwsRefusedException(string service, string operation, string? code, string reason, Exception? cause)
    : AwsException(service, operation, code, reason, cause);
