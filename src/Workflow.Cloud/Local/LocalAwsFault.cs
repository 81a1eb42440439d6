namespace Workflow.Cloud.Local;

/// <summary>Lets the next calls fail, or take their time.</summary>
/// <param name="Times">How many calls.</param>
/// <param name="Service">Of which service, by its name in a signature; null for any.</param>
/// <param name="Operation">Of which operation; null for any.</param>
/// <param name="Code">The error's code, for example <c>ThrottlingException</c>; null for a call that is only late, or whose answer is cut.</param>
/// <param name="Status">The HTTP status that goes with it.</param>
/// <param name="AfterEffect">The call is done first, as when an answer is lost.</param>
/// <param name="DelayMilliseconds">How late the answer is.</param>
/// <param name="CutBody">Breaks the connection in the middle of the answer.</param>
public sealed record LocalAwsFault(
    int Times, string? Service = null, string? Operation = null, string? Code = null, int Status = 400, bool AfterEffect = false, int DelayMilliseconds = 0, bool CutBody = false);
