namespace Workflow.Data.MySql;

/// <summary>
/// What both sides say before the first command: the server's greeting, and the client's answer to it
/// (dev.mysql.com, "Protocol::HandshakeV10" and "Protocol::HandshakeResponse41"; mariadb.com/kb, "Connection").
/// </summary>
/// <param name="Salt">Twenty bytes that the proof of the password is made with.</param>
/// <param name="Plugin">How the server would like the user to prove the password.</param>
internal sealed record Greeting(string ServerVersion, uint ConnectionId, byte[] Salt, Capabilities Capabilities, string Plugin)
{
    private const byte ProtocolVersion = 10;
    private const int ShortSalt = 8;
    private const int SaltLength = 20;
    private const int ReservedLength = 10;

    public static Greeting Parse(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        if (reader.Byte() is not ProtocolVersion and var version)
        {
            throw new MySqlException($"The server speaks version {version} of the client protocol; MySQL and MariaDB speak {ProtocolVersion}. Is this one of them?");
        }

        var server = System.Text.Encoding.UTF8.GetString(reader.ToNul());
        var id = reader.UInt32();
        var salt = reader.Bytes(ShortSalt).ToArray();
        reader.Byte();
        var lower = reader.UInt16();
        reader.Byte(); // its character set
        reader.UInt16(); // its status
        var capabilities = (Capabilities)(lower | (uint)reader.UInt16() << 16);
        var saltLength = Math.Max(SaltLength + 1, (int)reader.Byte());
        reader.Bytes(ReservedLength);
        salt = [.. salt, .. reader.Bytes(saltLength - ShortSalt)[..(SaltLength - ShortSalt)]];
        var plugin = capabilities.HasFlag(Capabilities.PluginAuthentication) ? System.Text.Encoding.ASCII.GetString(reader.ToNul()) : Authentication.NativePassword;
        return new(server, id, salt, capabilities, plugin);
    }
}

/// <summary>The client's half of the handshake.</summary>
internal static class HandshakeResponse
{
    private const uint LargestPacket = 1 << 30;
    private const byte Utf8Mb4 = 45;
    private const int ReservedLength = 23;

    private const Capabilities Wanted =
        Capabilities.LongPassword | Capabilities.ConnectWithDatabase | Capabilities.Protocol41 | Capabilities.Transactions
        | Capabilities.SecureConnection | Capabilities.PluginAuthentication;

    /// <summary>Asks for encryption; the whole answer follows inside it.</summary>
    public static ReadOnlyMemory<byte> AskForTls() => Head(Wanted | Capabilities.Tls).Payload;

    public static ReadOnlyMemory<byte> Answer(MySqlAddress address, string plugin, byte[] proof, bool encrypted) =>
        Head(encrypted ? Wanted | Capabilities.Tls : Wanted)
            .TextToNul(address.User)
            .Byte(checked((byte)proof.Length)).Bytes(proof)
            .TextToNul(address.Database)
            .TextToNul(plugin)
            .Payload;

    private static PayloadWriter Head(Capabilities capabilities) =>
        new PayloadWriter().UInt32((uint)capabilities).UInt32(LargestPacket).Byte(Utf8Mb4).Bytes(new byte[ReservedLength]);
}

/// <summary>What a side can do; of many, those that matter here.</summary>
[Flags]
internal enum Capabilities : uint
{
    None = 0,
    LongPassword = 1 << 0,
    ConnectWithDatabase = 1 << 3,
    Protocol41 = 1 << 9,
    Tls = 1 << 11,
    Transactions = 1 << 13,
    SecureConnection = 1 << 15,
    PluginAuthentication = 1 << 19,
}
