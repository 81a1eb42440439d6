using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text.Json;
using Workflow.App.Pipelines.MergeSources;
using Workflow.Cloud.Outbound;
using Workflow.Cloud.Secrets;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>A database is connected to at the address that was checked, and asked for its certificate by the name of the secret.</summary>
public sealed class SecretDatabaseTests
{
    private const int AskForTls = 80877103;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_certificate_is_to_be_that_of_the_host_that_the_secret_names()
    {
        using var certificate = new LoopbackCertificate();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var asked = HostAskedForAsync(listener, certificate);
        await using var database = await SecretDatabase.OpenAsync(ReadFrom("localhost", ((IPEndPoint)listener.LocalEndpoint).Port), new OutboundGuard(["localhost"], () => []), Cancellation);

        await Assert.ThrowsAnyAsync<Exception>(() => database.OpenAsync(new("public", "customers"), 1, Cancellation));

        Assert.Equal("localhost", await asked);
    }

    [Fact]
    public async Task A_host_that_nobody_knows_is_named()
    {
        var away = await Assert.ThrowsAsync<IOException>(() => SecretDatabase.OpenAsync(ReadFrom("no-such-host.invalid", 5432), new OutboundGuard([], () => []), Cancellation));

        Assert.StartsWith("The database of secret 'orders/database' is not found at no-such-host.invalid: ", away.Message, StringComparison.Ordinal);
    }

    private static Secret ReadFrom(string host, int port) => new(
        "orders/database", JsonSerializer.SerializeToElement(new { engine = "postgres", host, port, username = "reader", password = "secret", dbname = "shop", sslmode = "require" }));

    /// <summary>A PostgreSQL as far as its first words over TLS.</summary>
    private static async Task<string> HostAskedForAsync(TcpListener listener, LoopbackCertificate certificate)
    {
        while (true)
        {
            using var caller = await listener.AcceptTcpClientAsync(Cancellation);
            await using var stream = caller.GetStream();
            var request = new byte[8];
            while (await stream.ReadAtLeastAsync(request, request.Length, throwOnEndOfStream: false, Cancellation) == request.Length)
            {
                if (BinaryPrimitives.ReadInt32BigEndian(request.AsSpan(4)) == AskForTls)
                {
                    // What is lost is asked for again, and nobody is to wait for an answer.
                    listener.Stop();
                    await stream.WriteAsync("S"u8.ToArray(), Cancellation);
                    return await HostOfHandshakeAsync(stream, certificate);
                }

                await stream.WriteAsync("N"u8.ToArray(), Cancellation);
            }
        }
    }

    private static async Task<string> HostOfHandshakeAsync(Stream stream, LoopbackCertificate certificate)
    {
        var host = "";
        await using var tls = new SslStream(stream);
        await tls.AuthenticateAsServerAsync(
            (_, hello, _, _) =>
            {
                host = hello.ServerName;
                return ValueTask.FromResult(new SslServerAuthenticationOptions { ServerCertificate = certificate.Certificate, ApplicationProtocols = [new("postgresql")] });
            },
            null,
            Cancellation);
        return host;
    }
}
