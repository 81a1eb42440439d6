using System.Text.Json;
using System.Text.RegularExpressions;

namespace Workflow.Cloud.Secrets;

/// <summary>
/// Secrets as files that only their owner can read: <c>orders/database</c> is <c>orders/database.json</c> under one folder,
/// one JSON object.
/// </summary>
public sealed partial class LocalSecretStore(string folder) : ISecretStore
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <exception cref="SecretException">There is no such secret, others can read it, or it is not a JSON object.</exception>
    public async Task<Secret> GetAsync(string name, CancellationToken cancellation)
    {
        var path = PathOf(name);
        if (!File.Exists(path))
        {
            throw new SecretException($"There is no secret '{name}': {path} does not exist. Write its fields there as one JSON object, and chmod 600 it.");
        }

        if ((File.GetUnixFileMode(path) & Others) != 0)
        {
            throw new SecretException($"The secret '{name}' is open to other users: chmod 600 {path}.");
        }

        try
        {
            await using var file = File.OpenRead(path);
            using var content = await JsonDocument.ParseAsync(file, cancellationToken: cancellation);
            return content.RootElement.ValueKind == JsonValueKind.Object
                ? new(name, content.RootElement)
                : throw new SecretException($"The secret '{name}' is not a JSON object: write {{\"field\": \"value\"}} into {path}.");
        }
        catch (JsonException malformed)
        {
            // What the parser says quotes the content, so only the place is passed on.
            throw new SecretException($"The secret '{name}' is not valid JSON: see line {malformed.LineNumber + 1} of {path}.");
        }
        catch (UnauthorizedAccessException)
        {
            throw new SecretException($"The secret '{name}' cannot be read: {path} belongs to another user.");
        }
    }

    /// <summary>Writes a secret, replacing one of that name.</summary>
    public async Task PutAsync(string name, IReadOnlyDictionary<string, string> fields, CancellationToken cancellation)
    {
        var path = PathOf(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var unfinished = $"{path}.{Guid.NewGuid():N}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly };
        try
        {
            await using (var file = new FileStream(unfinished, options))
            {
                await JsonSerializer.SerializeAsync(file, fields, cancellationToken: cancellation);
            }

            File.Move(unfinished, path, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    private string PathOf(string name) =>
        ValidName().IsMatch(name)
            ? Path.Combine([Path.GetFullPath(folder), .. (name + ".json").Split('/')])
            : throw new SecretException($"'{name}' is no name for a secret: use letters, digits and _ + = @ . -, in parts between slashes that do not begin with a dot.");

    [GeneratedRegex(@"\A[A-Za-z0-9_+=@-][A-Za-z0-9_+=@.-]*(/[A-Za-z0-9_+=@-][A-Za-z0-9_+=@.-]*)*\z")]
    private static partial Regex ValidName();
}
