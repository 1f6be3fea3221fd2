using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Folders;
using Loadline.Checkpoints.Formats;
using Loadline.Checkpoints.Index;
using Loadline.Checkpoints.Selection;

namespace Loadline.Checkpoints;

/// <summary>
/// An open checkpoint: an index of what lies where, and ways to get at the bytes. Opening reads headers only, whatever the weights' size.
/// Reads may run on several threads at once.
/// </summary>
public sealed class Checkpoint : IDisposable
{
    private readonly CheckpointIndex _index;

    private Checkpoint(CheckpointIndex index) => _index = index;

    /// <summary>The path that was opened.</summary>
    public string Path => _index.Path;

    /// <summary>The format that the contents showed; the file's extension plays no part.</summary>
    public CheckpointFormat Format => _index.Format;

    /// <summary>Every file that holds tensor bytes.</summary>
    public IReadOnlyList<string> Files => _index.Files;

    /// <summary>Every file without which it could not be opened again, the one that says where its tensors are included.</summary>
    internal IEnumerable<string> WholeFiles => _index.Description is { } description ? Files.Append(description) : Files;

    /// <summary>The tensors, in the order of the file.</summary>
    public IReadOnlyList<TensorEntry> Entries => _index.Entries;

    /// <summary>
    /// Tensors that are in the checkpoint but cannot be loaded (quantized, sparse, nested, …), with the reason. They are not among <see cref="Entries"/>;
    /// who loads all of a checkpoint asks <see cref="RequireLoadable"/> first.
    /// </summary>
    public IReadOnlyList<UnloadableTensor> Unloadable => _index.Unloadable;

    /// <summary>What else the file says: a safetensors file's <c>__metadata__</c>, a training checkpoint's numbers and strings by dotted name.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _index.Metadata;

    /// <summary>What is odd about the checkpoint, though it opens: a line each.</summary>
    public IReadOnlyList<string> Notes => _index.Notes;

    /// <summary>The storages behind the tensors, each once, in the order in which entries first use them.</summary>
    public IReadOnlyList<StorageEntry> Storages => _index.Storages;

    /// <summary>How many threads may read it, of as many as are asked for: a compressed record is read from its start to its end, and each of several would begin anew.</summary>
    internal int ReadersOf(int asked) => Storages.Any(storage => storage.CompressedBytes is not null || storage.Assembled is { Deflated.Count: > 0 }) ? 1 : asked;

    /// <summary>Bytes of all storages, each counted once however many tensors share it.</summary>
    public long StorageBytes => _index.StorageBytes;

    /// <summary>Opens a file or folder of any format that Loadline reads.</summary>
    /// <exception cref="CheckpointException">There is no such file, it cannot be read, or its contents are refused.</exception>
    public static Checkpoint Open(string path) => Open(path, PositionedReads.OfTheKernel);

    /// <summary>Refuses a checkpoint of which a tensor cannot be loaded: a model without it would be another model.</summary>
    /// <exception cref="CheckpointException">One cannot; the message names it, says why, and how many others there are.</exception>
    public void RequireLoadable()
    {
        if (Unloadable is not [var first, ..]) return;
        var others = Unloadable.Count > 1 ? $" (nor can {Unloadable.Count - 1} more: inspect lists them)" : "";
        throw new CheckpointException(CheckpointError.Unsupported, Path, $"cannot be loaded, it {first.Reason}{others}; or leave it out (--exclude)", first.Name);
    }

    /// <summary>The same, of which only some tensors are taken, or all by other names.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="selection">Which, and by which names.</param>
    /// <exception cref="CheckpointException">As of <see cref="Open(string)"/> and <see cref="Select"/>.</exception>
    /// <exception cref="FormatException">The selection has an empty pattern, or a rule that is none.</exception>
    public static Checkpoint Open(string path, EntrySelection selection)
    {
        var checkpoint = Open(path);
        try
        {
            return checkpoint.Select(selection);
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    internal static Checkpoint Open(string path, PositionedReads reads)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new Checkpoint(PathType.IsFolder(path) ? FolderReader.Read(path, reads) : FileFormats.Open(path, reads));
    }

    /// <summary>What was taken of the file, and by which names.</summary>
    public EntrySelection Selection { get; private init; } = EntrySelection.All;

    /// <summary>
    /// Another view of this checkpoint: some of its tensors, perhaps by other names. Its files are shared: dispose either of the two, and both are closed.
    /// </summary>
    /// <param name="selection">Which, and by which names. Where this one was made by the same selection, it is this one.</param>
    /// <param name="expected">The names of the model that is to be loaded, by which <see cref="EntrySelection.Auto"/> finds the prefix; null where there is none.</param>
    /// <exception cref="CheckpointException">A pattern fits nothing, nothing is left, or two tensors meet under one name.</exception>
    /// <exception cref="FormatException">A pattern is empty, or a rule is none.</exception>
    /// <exception cref="InvalidOperationException">This one was made by another selection already.</exception>
    public Checkpoint Select(EntrySelection selection, IReadOnlyCollection<string>? expected = null) => selection.IsAll ? this : Selected(selection, expected);

    // By itself: what it needs would be loaded with the first checkpoint of a process.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Checkpoint Selected(EntrySelection selection, IReadOnlyCollection<string>? expected)
    {
        if (selection == Selection) return this;
        if (!Selection.IsAll) throw new InvalidOperationException($"{Path} is open with {Selection} and cannot be opened with {selection} as well");
        var (entries, unloadable, isUnwrapped) = SelectedEntries.Of(_index, selection.Validated(), expected);
        var used = entries.SelectMany(e => e.Storage.Files).ToHashSet();
        // A pickle's values have names as its tensors do; what safetensors says of itself has not.
        var isNamed = isUnwrapped && Format is CheckpointFormat.Pth or CheckpointFormat.Legacy or CheckpointFormat.Distributed;
        var metadata = isNamed ? Metadata.Where(value => !Wrappers.IsBeside(value.Key)).ToDictionary() : Metadata;
        var index = new CheckpointIndex(Path, Format, [.. Files.Where(used.Contains)], entries, metadata, _index.Reads, unloadable)
        {
            Notes = Notes,
            Description = _index.Description,
        };
        return new Checkpoint(index) { Selection = selection };
    }

    /// <summary>
    /// The prefix behind which all of a model's names are there, as in <c>module.</c>: what to take off with <see cref="EntrySelection.Strip"/>. Null where
    /// the names are there without one, or not all are.
    /// </summary>
    /// <param name="expected">The model's names.</param>
    public string? FindPrefix(IReadOnlyCollection<string> expected) =>
        Wrappers.PrefixFor(Entries.Select(e => e.Name).ToHashSet(), expected) is { Length: > 0 } prefix ? prefix : null;

    /// <summary>Finds a tensor by its name.</summary>
    public bool TryFind(string name, [NotNullWhen(true)] out TensorEntry? entry) => _index.ByName.TryGetValue(name, out entry);

    /// <summary>Fills <paramref name="destination"/> with the bytes of a storage from <paramref name="offset"/> on, by positioned reads.</summary>
    /// <exception cref="CheckpointException">The file became shorter or cannot be read.</exception>
    public void Read(StorageEntry storage, long offset, Span<byte> destination) => _index.Reads.Read(storage, offset, destination);

    /// <summary>Which file is read under a path: the one that was opened, whatever has its name since.</summary>
    internal FileIdentity? IdentityOf(string file) => _index.Reads.IdentityOf(file);

    /// <summary>Fills memory with bytes of one of <see cref="Files"/>, past the page cache.</summary>
    /// <inheritdoc cref="InflatingReads.Begin"/>
    internal void BeginReading() => _index.Reads.Begin();

    /// <inheritdoc cref="FileReads.TryReadDirect"/>
    internal bool TryReadDirect(string file, long position, Span<byte> destination, int needed) => _index.Reads.TryReadDirect(file, position, destination, needed);

    /// <summary>What was read past the page cache up to now, with headers between weights, and twice the blocks that two reads share.</summary>
    internal long DirectBytes => _index.Reads.DirectBytes;

    /// <summary>How <see cref="Read"/> uses the page cache: at first with care, as a cap without room needs it.</summary>
    public ReadPolicy ReadPolicy
    {
        get => _index.Reads.Policy;
        set => _index.Reads.Policy = value;
    }

    /// <summary>Maps one of <see cref="Files"/>: the very file whose headers were read, even if another one has taken its name.</summary>
    /// <exception cref="CheckpointException">The file became shorter or was changed, or the kernel refuses the mapping.</exception>
    public FileMapping Map(string file, MappingAccess access) => _index.Reads.Map(file, access);

    /// <summary>Brings a storage's bytes into a mapping of its file, from <paramref name="offset"/> on: what a read is for whoever copies out of the mapping.</summary>
    /// <returns>Whether the kernel can do that; else read them.</returns>
    /// <exception cref="CheckpointException">The file became shorter or cannot be read.</exception>
    internal bool TryPopulate(FileMapping mapping, StorageEntry storage, long offset, long bytes) => _index.Reads.TryPopulate(mapping, storage.Position + offset, bytes);

    /// <summary>Makes sure, after bytes were copied out of a mapping, that they were the file's.</summary>
    /// <exception cref="CheckpointException">The file became shorter.</exception>
    internal void RequireLength(StorageEntry storage, long end) => _index.Reads.RequireLength(storage.File, storage.Position + end);

    /// <summary>What a read does behind itself, for bytes that were copied out of a mapping: <see cref="ReadPolicy.DropsBehind"/>.</summary>
    internal void DropBehind(StorageEntry storage, long offset, long bytes) => _index.Reads.DropBehind(storage.File, storage.Position + offset, bytes);

    /// <summary>Closes the files. Mappings made by <see cref="FileMapping"/> live on.</summary>
    public void Dispose() => _index.Dispose();
}
