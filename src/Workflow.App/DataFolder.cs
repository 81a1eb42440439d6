namespace Workflow.App;

/// <summary>Where one installation keeps what is its own: database, objects, secrets, settings. Several processes may share it.</summary>
internal sealed record DataFolder(string Path)
{
    /// <summary>The folder asked for, or <c>data</c> in the checkout, or <c>data</c> here where there is no checkout.</summary>
    public static DataFolder Resolve(string? asked) =>
        new(System.IO.Path.GetFullPath(asked ?? System.IO.Path.Combine(Checkout() ?? "", "data")));

    /// <summary>Where the running service is.</summary>
    public string ServiceFile => System.IO.Path.Combine(Path, "service.json");

    /// <summary>The admin key of the folder's owner.</summary>
    public string KeyFile => System.IO.Path.Combine(Path, "admin.key");

    /// <summary>Settings of this installation, over those of the program.</summary>
    public string SettingsFile => System.IO.Path.Combine(Path, "appsettings.json");

    /// <summary>The objects of <c>local://</c>, a folder per bucket.</summary>
    public string Objects => System.IO.Path.Combine(Path, "objects");

    public string Secrets => System.IO.Path.Combine(Path, "secrets");

    /// <summary>Room for files a step works on; nothing in it outlives the step.</summary>
    public string Scratch => System.IO.Path.Combine(Path, "scratch");

    /// <exception cref="UsageException">It cannot be made or written to.</exception>
    public void Create()
    {
        try
        {
            Directory.CreateDirectory(Path);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"The data folder {Path} cannot be used: {refused.Message} Pass another with --data DIR.");
        }
    }

    private static string? Checkout()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "Workflow.sln")))
            {
                return folder.FullName;
            }
        }

        return null;
    }
}
