namespace Workflow.App.Api.Access;

/// <summary>
/// The admin key of whoever owns the data folder, in a file that only its owner can read: the command line on this machine just works,
/// and neither another user nor a page in the browser has it.
/// </summary>
/// <param name="Key">Null where there is none.</param>
/// <param name="IsNew">It was made just now and has been shown to nobody.</param>
internal sealed record LocalKey(ApiKey? Key, bool IsNew)
{
    /// <summary>What the command line sends instead, a key or a token, where this variable of the environment is set.</summary>
    public const string Variable = "WORKFLOW_KEY";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>What the command line shows to a service on this data folder.</summary>
    public static string? CredentialFor(DataFolder data) =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given ? given : Find(data).Key?.Reveal();

    /// <exception cref="UsageException">The file is open to others, or holds no key.</exception>
    public static LocalKey Find(DataFolder data)
    {
        var file = data.KeyFile;
        if (!File.Exists(file))
        {
            return new(null, IsNew: false);
        }

        if ((File.GetUnixFileMode(file) & Others) != 0)
        {
            throw new UsageException($"The key in {file} is open to other users: chmod 600 it, or remove it for a new one.");
        }

        return ApiKey.TryParse(File.ReadAllText(file).Trim(), out var key)
            ? new(key, IsNew: false)
            : throw new UsageException($"{file} does not hold a key. Remove it for a new one.");
    }

    /// <summary>The key of the data folder, made where there is none. Of several that make one at once, one wins.</summary>
    public static LocalKey Ensure(DataFolder data)
    {
        if (Find(data) is { Key: not null } there)
        {
            return there;
        }

        var key = ApiKey.Create();
        var whole = $"{data.KeyFile}.{key.Id}";
        using (var file = new StreamWriter(whole, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        {
            file.WriteLine(key.Reveal());
        }

        try
        {
            File.Move(whole, data.KeyFile, overwrite: false);
            return new(key, IsNew: true);
        }
        catch (IOException) when (File.Exists(data.KeyFile))
        {
            File.Delete(whole);
            return Find(data);
        }
    }
}
