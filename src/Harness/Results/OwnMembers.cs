using System.Collections.Frozen;

namespace Loadline.Harness.Results;

/// <summary>The members of a case in results that are its budget's own, by the names that files have.</summary>
internal static class OwnMembers
{
    // What is a list in results was measured, and is none of them.
    private static readonly FrozenDictionary<string, Func<object, object?>?> Getters = ResultJson.Default.CaseResult.Properties
        .ToFrozenDictionary(property => property.Name, property => property.PropertyType == typeof(string) || property.PropertyType.IsValueType ? property.Get : null);

    /// <summary>The member's text or figure; null where the case has none, or where results keep what was measured under its name.</summary>
    public static object? ValueOf(CaseResult result, string member) => Getters[member]?.Invoke(result);
}
