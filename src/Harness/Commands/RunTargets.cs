using Loadline.Harness.Reports;
using Loadline.Harness.Results;

namespace Loadline.Harness.Commands;

/// <summary>The files that results go to.</summary>
/// <param name="Results">The JSON; null for none.</param>
/// <param name="Page">The page; null for none.</param>
internal sealed record RunTargets(string? Results, string? Page)
{
    /// <summary>Before anything is measured: what cannot be written, or would cost a checkpoint or a budget file that somebody named by mistake.</summary>
    /// <exception cref="InputException">Something else stands there.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Refuse()
    {
        OutputTargets.RefuseUnwritable(Results, Page);
        OutputTargets.RefuseOther(Results, ResultFile.IsOne, "holds no results of `loadline run`");
        OutputTargets.RefuseOther(Page, ResultPage.IsOne, "is no page of `loadline run`");
    }

    /// <summary>Removes those of an earlier run: one that breaks off before its first case must not leave results behind that say another had all as expected.</summary>
    /// <exception cref="IOException">They cannot be removed.</exception>
    public void RemoveOlder()
    {
        foreach (var older in new[] { Results, Page }.OfType<string>()) File.Delete(older);
    }

    /// <summary>Writes both. What cannot be written costs no other file, and nothing that is printed.</summary>
    /// <returns>What went wrong, a sentence each.</returns>
    public List<string> Write(ResultFile results)
    {
        var problems = new List<string>();
        Try(Results, results.Write);
        Try(Page, page => ResultPage.Write(results, page));
        return problems;

        void Try(string? path, Action<string> write)
        {
            try
            {
                if (path is not null) write(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                problems.Add(e.Message);
            }
        }
    }
}
