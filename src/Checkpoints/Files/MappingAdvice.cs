namespace Loadline.Checkpoints;

/// <summary>How the kernel is to bring in pages of a mapping that are touched.</summary>
internal enum MappingAdvice
{
    /// <summary>As it always does: around each page, and in larger and larger folios where one follows the other.</summary>
    None,

    /// <summary>2 MiB at a time. File systems without large folios do as they always did.</summary>
    HugePages,

    /// <summary>What follows, before it is touched. Where memory is short, such pages go first, however often they are used.</summary>
    Sequential,
}
