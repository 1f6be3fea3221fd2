namespace Loadline.Benchmarks.Steps;

/// <summary>All of them.</summary>
internal static class Families
{
    public static IEnumerable<Family> All => [.. OpcodeFamilies.All, .. CallFamilies.All, .. WalkFamilies.All, .. KeyFamilies.All, .. HeaderFamilies.All, .. FolderFamilies.All];
}
