using System.Net.Security;
using System.Text;

namespace Workflow.Data.MySql;

/// <summary>From the server's greeting to its first OK: encryption, then the proof of the password.</summary>
internal sealed class Login(MySqlAddress address, PacketStream packets)
{
    private const byte OkPacket = 0x00;
    private const byte MoreDataPacket = 0x01;
    private const byte SwitchPacket = 0xFE;
    private const byte FastProofAccepted = 3;
    private const byte FullProofWanted = 4;
    private static readonly byte[] AskForKey = [2];

    private bool _encrypted;

    /// <returns>What the server said of itself.</returns>
    /// <exception cref="MySqlException">The server refuses, or asks for what is not known here.</exception>
    public async Task<Greeting> RunAsync(CancellationToken cancellation)
    {
        var greeting = Greeting.Parse((await packets.ReceiveAsync(cancellation)).Span);
        await EncryptAsync(greeting, cancellation);

        // The server's favourite may be one that this user does not have; then it says which in its answer.
        var plugin = greeting.Plugin == Authentication.CachingSha2Password ? greeting.Plugin : Authentication.NativePassword;
        var proof = Authentication.Prove(plugin, address.Password, greeting.Salt);
        await packets.SendAsync(HandshakeResponse.Answer(address, plugin, proof, _encrypted), cancellation);
        await ProveAsync(greeting.Salt, cancellation);
        return greeting;
    }

    private async Task EncryptAsync(Greeting greeting, CancellationToken cancellation)
    {
        var offered = greeting.Capabilities.HasFlag(Capabilities.Tls);
        if (address.Tls >= MySqlTls.Required && !offered)
        {
            throw new MySqlException($"The server at {address} does not offer TLS, which is required.");
        }

        if (address.Tls == MySqlTls.Disabled || !offered)
        {
            return;
        }

        await packets.SendAsync(HandshakeResponse.AskForTls(), cancellation);
        var encrypted = new SslStream(packets.Stream);
        await encrypted.AuthenticateAsClientAsync(
            new()
            {
                TargetHost = address.Host,
                RemoteCertificateValidationCallback = (_, _, _, errors) => errors == SslPolicyErrors.None || address.Tls != MySqlTls.VerifyIdentity,
            },
            cancellation);
        packets.Encrypt(encrypted);
        _encrypted = true;
    }

    private async Task ProveAsync(byte[] salt, CancellationToken cancellation)
    {
        while (true)
        {
            var packet = await packets.ReceiveAsync(cancellation);
            switch (packet.Span)
            {
                case [OkPacket, ..]:
                    return;
                case [SwitchPacket, _, ..]:
                    (var plugin, salt) = ParseSwitch(packet.Span[1..]);
                    await packets.SendAsync(Authentication.Prove(plugin, address.Password, salt), cancellation);
                    break;
                case [MoreDataPacket, FastProofAccepted]:
                    break;
                case [MoreDataPacket, FullProofWanted]:
                    await packets.SendAsync(await FullProofAsync(salt, cancellation), cancellation);
                    break;
                default:
                    throw new MySqlException($"The server at {address} answers the login with packet {Convert.ToHexString(packet.Span)}, which is not known here.");
            }
        }
    }

    /// <summary>The password itself, for a server that has not seen this user since its start: through TLS, or hidden by the server's key.</summary>
    private async Task<byte[]> FullProofAsync(byte[] salt, CancellationToken cancellation)
    {
        if (_encrypted)
        {
            return Authentication.WithNul(address.Password);
        }

        await packets.SendAsync(AskForKey, cancellation);
        var key = await packets.ReceiveAsync(cancellation);
        return Authentication.Encrypt(address.Password, salt, Encoding.ASCII.GetString(key.Span[1..]));
    }

    private static (string Plugin, byte[] Salt) ParseSwitch(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        return (Encoding.ASCII.GetString(reader.ToNul()), reader.ToNul().ToArray());
    }
}
