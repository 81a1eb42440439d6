using System.Net.Sockets;
using System.Security.Authentication;

namespace Workflow.Data.MySql;

/// <summary>
/// A connection to MySQL 5.7 or later or to MariaDB: statements, and results streamed row by row as the text the server writes. One
/// statement at a time. It is our own because no driver fits (docs/adr/0008); dev.mysql.com, "Client/Server Protocol", is what it follows.
/// </summary>
internal sealed class MySqlConnection : IAsyncDisposable
{
    private const byte OkPacket = 0x00;
    private const byte LocalFilePacket = 0xFB;
    private const byte EndPacket = 0xFE;
    private const int LongestEndPacket = 8;
    private const byte QueryCommand = 3;
    private static readonly byte[] QuitCommand = [1];
    private static readonly TimeSpan ConnectDeadline = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan KillDeadline = TimeSpan.FromSeconds(5);

    private readonly MySqlAddress _address;
    private readonly PacketStream _packets;
    private readonly Greeting _greeting;
    private bool _busy;

    private MySqlConnection(MySqlAddress address, PacketStream packets, Greeting greeting)
    {
        _address = address;
        _packets = packets;
        _greeting = greeting;
    }

    /// <summary>The server's number of this connection.</summary>
    public uint Id => _greeting.ConnectionId;

    /// <exception cref="MySqlException">The server is out of reach or refuses.</exception>
    public static async Task<MySqlConnection> OpenAsync(MySqlAddress address, CancellationToken cancellation)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(ConnectDeadline);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await (address.Addresses is { } known ? socket.ConnectAsync([.. known], address.Port, deadline.Token) : socket.ConnectAsync(address.Host, address.Port, deadline.Token));
            var packets = new PacketStream(new NetworkStream(socket, ownsSocket: true));
            return new(address, packets, await new Login(address, packets).RunAsync(deadline.Token));
        }
        catch (Exception failure)
        {
            socket.Dispose();
            cancellation.ThrowIfCancellationRequested();
            var late = failure is OperationCanceledException;
            if (!late && failure is not (SocketException or IOException or AuthenticationException))
            {
                throw;
            }

            throw new MySqlException($"No connection to {address}: {(late ? $"no answer within {ConnectDeadline.TotalSeconds} s" : failure.Message)}", inner: failure);
        }
    }

    /// <summary>Runs a statement that has no rows, or whose rows do not matter.</summary>
    /// <exception cref="MySqlException">The server refuses, or is gone.</exception>
    public async Task ExecuteAsync(string sql, CancellationToken cancellation) => await RowsAsync(sql, cancellation);

    /// <summary>All rows of a small result, as text.</summary>
    /// <exception cref="MySqlException">The server refuses, or is gone.</exception>
    public async Task<IReadOnlyList<string?[]>> RowsAsync(string sql, CancellationToken cancellation)
    {
        var result = await QueryAsync(sql, cancellation);
        var rows = new List<string?[]>();
        while (await result.ReadAsync(cancellation))
        {
            rows.Add(result.Texts());
        }

        return rows;
    }

    /// <summary>Starts a statement; its rows come as they are read and are not gathered anywhere.</summary>
    /// <exception cref="MySqlException">The server refuses, or is gone.</exception>
    public async Task<MySqlResult> QueryAsync(string sql, CancellationToken cancellation)
    {
        _busy = true;
        _packets.Begin();
        await _packets.SendAsync(new PayloadWriter().Byte(QueryCommand).Text(sql).Payload, cancellation);
        var head = await ReceiveAsync(cancellation);
        switch (head.Span[0])
        {
            case OkPacket:
                _busy = false;
                return new(this, []);
            case LocalFilePacket:
                throw new MySqlException("The server asks for a file of this machine, and does not get it.");
        }

        var columns = new MySqlColumn[new PayloadReader(head.Span).LengthEncodedInteger()];
        for (var index = 0; index < columns.Length; index++)
        {
            columns[index] = MySqlColumn.Parse((await ReceiveAsync(cancellation)).Span);
        }

        return IsEnd((await ReceiveAsync(cancellation)).Span) ? new(this, columns) : throw new MySqlException("The server goes on after the last column of a result.");
    }

    /// <summary>The payload of the next row; null after the last one.</summary>
    internal async ValueTask<ReadOnlyMemory<byte>?> ReadRowAsync(CancellationToken cancellation)
    {
        var payload = await ReceiveAsync(cancellation);
        if (!IsEnd(payload.Span))
        {
            return payload;
        }

        _busy = false;
        return null;
    }

    /// <summary>Takes leave. A statement that still runs is killed: a server that does not write does not notice that nobody listens.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await (_busy ? KillAsync() : QuitAsync());
        }
        catch (Exception gone) when (gone is MySqlException or OperationCanceledException)
        {
            // The server is gone or does not let itself be told: closing is what is left. What failed first is the caller's to report.
        }

        await _packets.Stream.DisposeAsync();
    }

    private async Task KillAsync()
    {
        using var deadline = new CancellationTokenSource(KillDeadline);
        await using var other = await OpenAsync(_address, deadline.Token);
        await other.ExecuteAsync($"kill {Id}", deadline.Token);
    }

    private async Task QuitAsync()
    {
        using var deadline = new CancellationTokenSource(KillDeadline);
        _packets.Begin();
        await _packets.SendAsync(QuitCommand, deadline.Token);
    }

    private async ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancellation)
    {
        try
        {
            return await _packets.ReceiveAsync(cancellation);
        }
        catch (MySqlException)
        {
            // Refused or lost: there is no statement any more that would have to be killed.
            _busy = false;
            throw;
        }
    }

    private static bool IsEnd(ReadOnlySpan<byte> payload) => payload.Length <= LongestEndPacket && payload[0] == EndPacket;
}
