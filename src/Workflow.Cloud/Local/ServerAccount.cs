namespace Workflow.Cloud.Local;

/// <summary>Who a server that refuses to run as root runs as: the words in front of its command, and the owner its files need.</summary>
internal sealed record ServerAccount(string Name, string[] Prefix, string? Owner)
{
    private static readonly ServerAccount CurrentUser = new("the current user", [], null);

    /// <summary>
    /// In order of preference. In a user namespace the files stay root's own, so the last one reaches
    /// what only root can: a checkout in a private home.
    /// </summary>
    private static readonly ServerAccount[] ForRoot =
    [
        new("setpriv", ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"], "65534"),
        new("runuser", ["runuser", "-u", "nobody", "--"], "nobody"),
        new("unshare", ["unshare", "--user", "--map-user=1000", "--map-group=1000"], "0"),
    ];

    /// <summary>Finds an account that reaches the folder and can run the program, by trying.</summary>
    /// <exception cref="InvalidOperationException">There is none; the message says what was tried and what to change.</exception>
    public static async Task<ServerAccount> ChooseAsync(string folder, string program, CancellationToken cancellation)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return CurrentUser;
        }

        var refusals = new List<string>();
        foreach (var account in ForRoot)
        {
            var probe = await account.RunAsync(["sh", "-c", """cd "$1" && exec "$2" --version""", "sh", folder, program], "", cancellation);
            if (probe.Succeeded)
            {
                return account;
            }

            refusals.Add($"{account.Name}: {probe.Output.ReplaceLineEndings(" ")}");
        }

        throw new InvalidOperationException(
            $"PostgreSQL does not run as root, and no other way in reaches {folder} and {program} ({string.Join("; ", refusals)}): "
            + "run as another user, or put the checkout and --data DIR where every user may enter.");
    }

    public Task<CommandResult> RunAsync(IEnumerable<string> line, string input, CancellationToken cancellation) =>
        Command.RunAsync([.. Prefix, .. line], input, cancellation);

    /// <summary>Hands a file or folder over to the account; touches nothing where it already has it.</summary>
    public async Task TakeOverAsync(string path, CancellationToken cancellation)
    {
        if (Owner is null)
        {
            return;
        }

        var change = await Command.RunAsync(
            ["sh", "-c", """test -n "$(find "$1" -maxdepth 0 -user "$2")" || chown -R "$2" "$1" """, "sh", path, Owner], "", cancellation);
        if (!change.Succeeded)
        {
            throw new InvalidOperationException($"{path} cannot be handed to user {Owner}, as whom PostgreSQL runs: {change.Output}");
        }
    }
}
