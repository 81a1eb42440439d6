using System.Security.Cryptography;
using System.Text;

namespace Workflow.Data.MySql;

/// <summary>How a user proves the password without sending it (dev.mysql.com, "Authentication Methods").</summary>
internal static class Authentication
{
    public const string NativePassword = "mysql_native_password";
    public const string CachingSha2Password = "caching_sha2_password";

    private static readonly byte[] Nothing = [];

    /// <exception cref="MySqlException">The server asks for a way that is not known here.</exception>
    public static byte[] Prove(string plugin, string password, byte[] salt) => plugin switch
    {
        NativePassword => password.Length == 0 ? Nothing : ProveNative(Encoding.UTF8.GetBytes(password), salt),
        CachingSha2Password => password.Length == 0 ? Nothing : ProveSha2(Encoding.UTF8.GetBytes(password), salt),
        _ => throw new MySqlException($"The user is to log in by {plugin}, which is not known here: create it with {NativePassword} or {CachingSha2Password}."),
    };

    /// <summary>The password as the server wants it where it does not have the proof at hand: with its NUL, hidden by the server's key.</summary>
    /// <param name="key">The server's public key, PEM.</param>
    public static byte[] Encrypt(string password, byte[] salt, string key)
    {
        using var rsa = RSA.Create();
        rsa.ImportFromPem(key);
        return rsa.Encrypt(Xor(WithNul(password), salt), RSAEncryptionPadding.OaepSHA1);
    }

    public static byte[] WithNul(string password) => [.. Encoding.UTF8.GetBytes(password), 0];

#pragma warning disable CA5350 // the protocol's own algorithm; the salt is the server's and for one connection
    private static byte[] ProveNative(byte[] password, byte[] salt)
    {
        var once = SHA1.HashData(password);
        return Xor(SHA1.HashData([.. salt, .. SHA1.HashData(once)]), once);
    }
#pragma warning restore CA5350

    private static byte[] ProveSha2(byte[] password, byte[] salt)
    {
        var once = SHA256.HashData(password);
        return Xor(SHA256.HashData([.. SHA256.HashData(once), .. salt]), once);
    }

    private static byte[] Xor(byte[] bytes, byte[] with)
    {
        var result = new byte[bytes.Length];
        for (var index = 0; index < bytes.Length; index++)
        {
            result[index] = (byte)(bytes[index] ^ with[index % with.Length]);
        }

        return result;
    }
}
