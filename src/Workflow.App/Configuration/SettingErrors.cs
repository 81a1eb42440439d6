namespace Workflow.App.Configuration;

/// <summary>One setting that will not do.</summary>
/// <param name="Key">As it is written in a settings file, with colons between its levels.</param>
/// <param name="Value">As found; null where it is missing or must not be shown.</param>
/// <param name="Right">What would be right.</param>
internal sealed record SettingError(string Key, string? Value, string Right)
{
    public override string ToString() => Value is null ? $"{Key}: {Right}" : $"{Key} is '{Value}': {Right}";
}

/// <summary>Collects what is wrong, so that all of it is reported at once.</summary>
internal sealed class SettingErrors
{
    private readonly List<SettingError> _all = [];

    public IReadOnlyList<SettingError> All => _all;

    public void Add(string key, string? value, string right) => _all.Add(new(key, value, right));

    /// <exception cref="SettingsException">Something was wrong.</exception>
    public void ThrowIfAny()
    {
        if (_all.Count > 0)
        {
            throw new SettingsException(_all);
        }
    }
}

/// <summary>Settings, or an input that is read like settings, are wrong: every one of them is named.</summary>
internal sealed class SettingsException(IReadOnlyList<SettingError> errors)
    : UsageException($"{(errors.Count == 1 ? "A setting is" : $"{errors.Count} settings are")} wrong:\n{string.Join('\n', errors.Select(error => $"  {error}"))}")
{
    public IReadOnlyList<SettingError> Errors => errors;
}
