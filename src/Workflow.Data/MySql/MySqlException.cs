using System.Net.Sockets;

namespace Workflow.Data.MySql;

/// <summary>The server refused, broke off, or is out of reach.</summary>
/// <param name="code">The server's number of the error; 0 where the server did not say it.</param>
public sealed class MySqlException(string message, int code = 0, string? sqlState = null, Exception? inner = null) : Exception(message, inner)
{
    public int Code { get; } = code;

    public string? SqlState { get; } = sqlState;

    /// <summary>The same may succeed later: the network, a restart, a lock, too many connections.</summary>
    public bool IsTransient =>
        InnerException is IOException or SocketException or OperationCanceledException
        || Code is ErrorCode.TooManyConnections or ErrorCode.TooManyConnectionsOfUser or ErrorCode.LimitOfUserReached or ErrorCode.ServerShutdown or ErrorCode.LockWaitTimeout
            or ErrorCode.Deadlock or ErrorCode.QueryInterrupted or ErrorCode.StatementTimeout or ErrorCode.StatementTimeoutOfMySql or ErrorCode.ConnectionKilled or (>= ErrorCode.NetworkFirst and <= ErrorCode.NetworkLast);
}

/// <summary>Numbers of errors, as the manuals list them.</summary>
internal static class ErrorCode
{
    public const int TooManyConnections = 1040;
    public const int DatabaseAccessDenied = 1044;
    public const int UnknownDatabase = 1049;
    public const int ServerShutdown = 1053;
    public const int TableAccessDenied = 1142;
    public const int NoSuchTable = 1146;
    public const int NetworkFirst = 1158;
    public const int NetworkLast = 1161;
    public const int TooManyConnectionsOfUser = 1203;
    public const int LockWaitTimeout = 1205;
    public const int Deadlock = 1213;
    public const int LimitOfUserReached = 1226;
    public const int SpecificAccessDenied = 1227;
    public const int QueryInterrupted = 1317;
    public const int ConnectionKilled = 1927;
    public const int StatementTimeout = 1969;
    public const int StatementTimeoutOfMySql = 3024;
}
