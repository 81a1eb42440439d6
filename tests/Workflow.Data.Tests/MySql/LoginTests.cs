using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Workflow.Data.MySql;

namespace Workflow.Data.Tests.MySql;

/// <summary>What MySQL 8 asks at login and MariaDB never does, told by a server of a few packets.</summary>
public sealed class LoginTests : IDisposable
{
    private const string Password = "pässword";
    private static readonly byte[] Ok = [0, 0, 0, 2, 0, 0, 0];
    private static readonly byte[] Salt = [.. Enumerable.Range(1, 20).Select(number => (byte)number)];

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public LoginTests() => _listener.Start();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private MySqlAddress Address => new("127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port, "reader", Password, "shop");

    public void Dispose() => _listener.Dispose();

    [Fact]
    public async Task A_proof_that_the_server_has_at_hand_is_enough()
    {
        var server = ServeAsync(async packets =>
        {
            await packets.SendAsync(Greet("caching_sha2_password"), Cancellation);
            var proof = ProofIn(await packets.ReceiveAsync(Cancellation));
            await packets.SendAsync(new byte[] { 1, 3 }, Cancellation);
            await packets.SendAsync(Ok, Cancellation);
            return proof;
        });
        await using var connection = await MySqlConnection.OpenAsync(Address, Cancellation);
        AssertProves(await server, Salt);
    }

    [Fact]
    public async Task A_host_that_was_looked_up_is_not_looked_up_again()
    {
        var server = ServeAsync(async packets =>
        {
            await packets.SendAsync(Greet("caching_sha2_password"), Cancellation);
            var proof = ProofIn(await packets.ReceiveAsync(Cancellation));
            await packets.SendAsync(new byte[] { 1, 3 }, Cancellation);
            await packets.SendAsync(Ok, Cancellation);
            return proof;
        });
        await using var connection = await MySqlConnection.OpenAsync(Address with { Host = "no-such-host.invalid", Addresses = [IPAddress.Loopback] }, Cancellation);

        AssertProves(await server, Salt);
    }

    [Fact]
    public async Task Without_encryption_the_password_is_hidden_by_the_servers_key()
    {
        using var key = RSA.Create(2048);
        var server = ServeAsync(async packets =>
        {
            await packets.SendAsync(Greet("caching_sha2_password"), Cancellation);
            await packets.ReceiveAsync(Cancellation);
            await packets.SendAsync(new byte[] { 1, 4 }, Cancellation);
            Assert.Equal([2], (await packets.ReceiveAsync(Cancellation)).ToArray());
            await packets.SendAsync(new byte[] { 1 }.Concat(Encoding.ASCII.GetBytes(key.ExportSubjectPublicKeyInfoPem())).ToArray(), Cancellation);
            var hidden = (await packets.ReceiveAsync(Cancellation)).ToArray();
            await packets.SendAsync(Ok, Cancellation);
            return hidden;
        });
        await using var connection = await MySqlConnection.OpenAsync(Address, Cancellation);
        var shown = key.Decrypt(await server, RSAEncryptionPadding.OaepSHA1).Select((value, index) => (byte)(value ^ Salt[index % Salt.Length])).ToArray();
        Assert.Equal(Password + "\0", Encoding.UTF8.GetString(shown));
    }

    [Fact]
    public async Task The_server_may_ask_for_another_way_than_its_favourite()
    {
        var other = Salt.Reverse().ToArray();
        var server = ServeAsync(async packets =>
        {
            await packets.SendAsync(Greet("mysql_native_password"), Cancellation);
            await packets.ReceiveAsync(Cancellation);
            await packets.SendAsync(new PayloadWriter().Byte(0xFE).TextToNul("caching_sha2_password").Bytes(other).Byte(0).Payload, Cancellation);
            var proof = (await packets.ReceiveAsync(Cancellation)).ToArray();
            await packets.SendAsync(Ok, Cancellation);
            return proof;
        });
        await using var connection = await MySqlConnection.OpenAsync(Address, Cancellation);
        AssertProves(await server, other);
    }

    [Fact]
    public async Task A_way_that_is_not_known_is_named()
    {
        var server = ServeAsync(async packets =>
        {
            await packets.SendAsync(Greet("mysql_native_password"), Cancellation);
            await packets.ReceiveAsync(Cancellation);
            await packets.SendAsync(new PayloadWriter().Byte(0xFE).TextToNul("client_ed25519").Bytes(Salt).Byte(0).Payload, Cancellation);
            return [];
        });
        var error = await Assert.ThrowsAsync<MySqlException>(() => MySqlConnection.OpenAsync(Address, Cancellation));
        Assert.Contains("client_ed25519", error.Message, StringComparison.Ordinal);
        await server;
    }

    [Fact]
    public async Task A_server_without_encryption_is_refused_where_it_is_required()
    {
        var server = ServeAsync(async packets =>
        {
            await packets.SendAsync(Greet("mysql_native_password"), Cancellation);
            return [];
        });
        var error = await Assert.ThrowsAsync<MySqlException>(() => MySqlConnection.OpenAsync(Address with { Tls = MySqlTls.Required }, Cancellation));
        Assert.Contains("does not offer TLS", error.Message, StringComparison.Ordinal);
        await server;
    }

    [Theory]
    [InlineData(1040, "Too many connections")]
    [InlineData(1203, "User reader already has more than 'max_user_connections' active connections")]
    [InlineData(1226, "User 'reader' has exceeded the 'max_user_connections' resource (current value: 1)")]
    [InlineData(3024, "Query execution was interrupted, maximum statement execution time exceeded")]
    public async Task A_server_that_refuses_at_once_is_heard_and_may_be_tried_again(int code, string says)
    {
        var server = ServeAsync(async packets =>
        {
            await packets.SendAsync(new PayloadWriter().Byte(0xFF).Byte((byte)code).Byte((byte)(code >> 8)).Text(says).Payload, Cancellation);
            return [];
        });
        var error = await Assert.ThrowsAsync<MySqlException>(() => MySqlConnection.OpenAsync(Address, Cancellation));
        Assert.Equal((code, true, says), (error.Code, error.IsTransient, error.Message));
        await server;
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n")]
    [InlineData("")]
    public async Task What_does_not_speak_the_protocol_is_told(string greeting)
    {
        var server = AcceptAsync(async client => await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(greeting), Cancellation));
        await Assert.ThrowsAsync<MySqlException>(() => MySqlConnection.OpenAsync(Address, Cancellation));
        await server;
    }

    /// <summary>As the server checks it: what is left of the proof hashes to what it has stored.</summary>
    private static void AssertProves(byte[] proof, byte[] salt)
    {
        var stored = SHA256.HashData(SHA256.HashData(Encoding.UTF8.GetBytes(Password)));
        var mask = SHA256.HashData([.. SHA256.HashData(Encoding.UTF8.GetBytes(Password)) is var once ? SHA256.HashData(once) : [], .. salt]);
        Assert.Equal(stored, SHA256.HashData([.. proof.Select((value, index) => (byte)(value ^ mask[index]))]));
    }

    private static byte[] ProofIn(ReadOnlyMemory<byte> answer)
    {
        var reader = new PayloadReader(answer.Span);
        reader.Bytes(32);
        Assert.Equal("reader", Encoding.UTF8.GetString(reader.ToNul()));
        var proof = reader.Bytes(reader.Byte()).ToArray();
        Assert.Equal("shop", Encoding.UTF8.GetString(reader.ToNul()));
        return proof;
    }

    private static ReadOnlyMemory<byte> Greet(string plugin)
    {
        const uint capabilities = 1 << 9 | 1 << 15 | 1 << 19;
        return new PayloadWriter()
            .Byte(10).TextToNul("8.4.0").UInt32(7).Bytes(Salt.AsSpan(0, 8)).Byte(0)
            .Byte((byte)(capabilities & 0xFF)).Byte((byte)(capabilities >> 8 & 0xFF)).Byte(45).Byte(2).Byte(0)
            .Byte((byte)(capabilities >> 16 & 0xFF)).Byte(0).Byte(21).Bytes(new byte[10])
            .Bytes(Salt.AsSpan(8)).Byte(0).TextToNul(plugin).Payload;
    }

    private async Task<byte[]> ServeAsync(Func<PacketStream, Task<byte[]>> talk)
    {
        byte[] result = [];
        await AcceptAsync(async client => result = await talk(new(client.GetStream())));
        return result;
    }

    private async Task AcceptAsync(Func<TcpClient, Task> talk)
    {
        using var client = await _listener.AcceptTcpClientAsync(Cancellation);
        await talk(client);
    }
}
