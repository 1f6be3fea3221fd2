namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// Python 2's names, which protocols up to 2 still write, as Python 3 and PyTorch's weights-only unpickler read them. Source: Lib/_compat_pickle.py of Python 3.13.
/// </summary>
internal static class OldNames
{
    /// <summary>The module and the name in it that are meant.</summary>
    public static (string Module, string Name) InPython3(string module, string name) => (module, name) switch
    {
        ("__builtin__", "xrange") => ("builtins", "range"),
        ("__builtin__", "reduce") => ("functools", "reduce"),
        ("__builtin__", "intern") => ("sys", "intern"),
        ("__builtin__", "unichr") => ("builtins", "chr"),
        ("__builtin__", "unicode" or "basestring") => ("builtins", "str"),
        ("__builtin__", "long") => ("builtins", "int"),
        ("exceptions", "StandardError") => ("builtins", "Exception"),
        ("itertools", "izip") => ("builtins", "zip"),
        ("itertools", "imap") => ("builtins", "map"),
        ("itertools", "ifilter") => ("builtins", "filter"),
        ("UserDict", "IterableUserDict") => ("collections", "UserDict"),
        ("_socket", "fromfd") => ("socket", name),
        ("_multiprocessing", "Connection") => ("multiprocessing.connection", name),
        ("urllib", "ContentTooShortError") => ("urllib.error", name),
        ("urllib", "getproxies" or "pathname2url" or "url2pathname" or "urlcleanup" or "urlopen" or "urlretrieve") => ("urllib.request", name),
        ("urllib", "quote" or "quote_plus" or "unquote" or "unquote_plus" or "urlencode") => ("urllib.parse", name),
        _ => (InPython3(module), name),
    };

    // Those of tkinter, dbm and HTML are not among them: nothing there is on any list of ours, under either name.
    private static string InPython3(string module) => module switch
    {
        "__builtin__" or "exceptions" => "builtins",
        "copy_reg" => "copyreg",
        "UserDict" or "UserList" or "UserString" => "collections",
        "_abcoll" => "collections.abc",
        "StringIO" or "cStringIO" => "io",
        "cPickle" => "pickle",
        "commands" => "subprocess",
        "thread" => "_thread",
        "_winreg" => "winreg",
        "SocketServer" => "socketserver",
        "httplib" => "http.client",
        "Cookie" => "http.cookies",
        "cookielib" => "http.cookiejar",
        "BaseHTTPServer" or "SimpleHTTPServer" or "CGIHTTPServer" => "http.server",
        "xmlrpclib" => "xmlrpc.client",
        "SimpleXMLRPCServer" or "DocXMLRPCServer" => "xmlrpc.server",
        "urllib2" => "urllib.request",
        "urlparse" => "urllib.parse",
        "robotparser" => "urllib.robotparser",
        _ => module,
    };
}
