using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Workflow.App.Api.Access;

/// <summary>An API key as its holder has it: <c>wf_ID_SECRET</c>. The id is no secret; it is the word for the key in lists, logs and the audit.</summary>
internal sealed partial record ApiKey(string Id, string Secret)
{
    public const string Prefix = "wf_";
    private const int IdDigits = 12;

    // 43 of 62 letters are 256 bits.
    private const int SecretLetters = 43;
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    public static ApiKey Create() => new(RandomNumberGenerator.GetHexString(IdDigits, lowercase: true), RandomNumberGenerator.GetString(Letters, SecretLetters));

    public static bool TryParse(string? text, [NotNullWhen(true)] out ApiKey? key)
    {
        key = text is not null && Shape().Match(text) is { Success: true } parts ? new(parts.Groups[1].Value, parts.Groups[2].Value) : null;
        return key is not null;
    }

    /// <summary>
    /// What is stored in place of the secret. One plain hash is enough: slow hashes make up for passwords that can be guessed,
    /// and 256 random bits cannot be, at any speed.
    /// </summary>
    public byte[] Hash() => SHA256.HashData(Encoding.ASCII.GetBytes(Secret));

    /// <summary>In a time that does not depend on where the two differ.</summary>
    public bool Matches(byte[] hash) => CryptographicOperations.FixedTimeEquals(Hash(), hash);

    /// <summary>What only a holder of the key can say to a nonce; it says nothing about the key.</summary>
    public string Prove(string nonce) => Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.ASCII.GetBytes(Secret), Encoding.UTF8.GetBytes($"workflow service {nonce}")));

    /// <summary>The key itself, to be shown to its holder and to nobody else.</summary>
    public string Reveal() => $"{Prefix}{Id}_{Secret}";

    /// <summary>Not the key: it would be in the log before long.</summary>
    public override string ToString() => $"{Prefix}{Id}_…";

    [GeneratedRegex(@"\Awf_([0-9a-f]{12})_([A-Za-z0-9]{43})\z")]
    private static partial Regex Shape();
}
