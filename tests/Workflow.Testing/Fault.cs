namespace Workflow.Testing;

/// <summary>What a <see cref="FaultProxy"/> does to one exchange instead of passing it on whole.</summary>
public abstract record Fault
{
    private Fault()
    {
    }

    /// <summary>Answered by the proxy; the server hears nothing of it.</summary>
    public sealed record Answer(int Status, string Body = "", string ContentType = "application/xml") : Fault
    {
        public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();
    }

    /// <summary>Goes on only when told to, or when the client gives up: a server that has stopped answering.</summary>
    public sealed record Hold(Task Until) : Fault;

    /// <summary>The connection breaks after so many bytes of the request's body.</summary>
    public sealed record CutRequest(long After) : Fault;

    /// <summary>The connection breaks after so many bytes of the answer's body.</summary>
    public sealed record CutAnswer(long After) : Fault;

    /// <summary>The answer's body stops after so many bytes without a break of the connection, until told to go on.</summary>
    public sealed record StallAnswer(long After, Task Until) : Fault;

    /// <summary>The server does what it was asked, and the client never hears of it.</summary>
    public sealed record LoseAnswer : Fault;

    /// <summary>One byte of the request's body arrives with its bits turned over.</summary>
    public sealed record FlipRequest(long At) : Fault;

    /// <summary>One byte of the answer's body arrives with its bits turned over.</summary>
    public sealed record FlipAnswer(long At) : Fault;

    /// <summary>What S3 answers when it is asked too much; DynamoDB, Azure and others have shapes of their own.</summary>
    public static Answer SlowDown { get; } = S3Error(503, "SlowDown", "Please reduce your request rate.");

    public static Answer InternalError { get; } = S3Error(500, "InternalError", "We encountered an internal error. Please try again.");

    public static Answer TooManyRequests { get; } = S3Error(429, "TooManyRequests", "Please reduce your request rate.");

    private static Answer S3Error(int status, string code, string message) =>
        new(status, $"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message><RequestId>fault</RequestId></Error>");
}
